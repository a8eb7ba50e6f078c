package sim

import "testing"

func TestTimesAreWrittenInTheLargestUnitThatFits(t *testing.T) {
	tests := []struct {
		t    Time
		want string
	}{
		{0, "0ns"},
		{60, "60ns"},
		{-999, "-999ns"},
		{3412, "3.412us"},
		{1500 * Microsecond, "1.5ms"},
		{2 * Second, "2s"},
		{Never, "never"},
	}
	for _, tt := range tests {
		if got := tt.t.String(); got != tt.want {
			t.Errorf("%d is written %s, want %s", int64(tt.t), got, tt.want)
		}
	}
}
