package tui

import (
	"strings"
	"testing"
)

// TestFiguresFollowTheCursor: the figures under the zoomed lanes are those of the
// records before the cursor, whichever way it came.
func TestFiguresFollowTheCursor(t *testing.T) {
	a := testApp(t, document(t, 2, 2), 80, 24, "")
	a.keys("9 enter end")
	end := a.text()
	if !strings.Contains(end, "spent") || !strings.Contains(end, "p99.9") || !strings.Contains(end, "read           2") {
		t.Fatalf("no figures:\n%s", end)
	}
	a.keys("home")
	start := a.text()
	if strings.Contains(start, "read           2") || !strings.Contains(start, "read           0") {
		t.Fatalf("the start has figures of the end:\n%s", start)
	}
	a.keys("end left left right right")
	if again := a.text(); again != end {
		t.Errorf("there and back is not the same:\n%s\n%s", end, again)
	}
}
