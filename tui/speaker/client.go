package speaker

import (
	"bufio"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// Dir is where the sockets of the user's presentations are.
func Dir() string {
	run := os.Getenv("XDG_RUNTIME_DIR")
	if info, err := os.Stat(run); err == nil && info.IsDir() {
		return filepath.Join(run, "ringside")
	}
	return filepath.Join(os.TempDir(), "ringside-"+strconv.Itoa(os.Getuid()))
}

// ownDir makes the directory, or makes sure that it is the user's own and that
// nobody else can reach into it.
func ownDir(dir string) error {
	if err := os.Mkdir(dir, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	info, err := os.Lstat(dir)
	switch {
	case err != nil:
		return err
	case !info.IsDir():
		return fmt.Errorf("%s is not a directory", dir)
	case !mine(info):
		return fmt.Errorf("%s belongs to another user", dir)
	case info.Mode().Perm() != 0o700:
		return fmt.Errorf("%s must be open to its owner alone: chmod 700", dir)
	}
	return nil
}

// maxSocketName keeps a path within the 104 bytes of sun_path of some systems.
const maxSocketName = 32

// socketPath is where a presentation listens: NAME.PID.sock.
func socketPath(dir, name string, pid int) string {
	return filepath.Join(dir, fmt.Sprintf("%s.%d.sock", socketName(name), pid))
}

// socketName is a presentation's name as it can stand in a path.
func socketName(name string) string {
	var b strings.Builder
	for _, r := range strings.TrimSuffix(filepath.Base(name), filepath.Ext(name)) {
		if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '-' || r == '_' {
			b.WriteRune(r)
		}
	}
	if b.Len() == 0 {
		return "presentation"
	}
	return cut(b.String(), maxSocketName)
}

// Client is a connection to a presentation.
type Client struct {
	conn  net.Conn
	lines *bufio.Scanner
}

// Dial connects to the newest presentation, or to the newest of a name. Sockets of
// presentations that are no more are removed.
func Dial(dir, name string) (*Client, error) {
	sockets, err := newestFirst(dir)
	if err != nil {
		return nil, err
	}
	var others []string
	for _, path := range sockets {
		conn, err := net.DialTimeout("unix", path, writeTimeout)
		switch {
		case errors.Is(err, syscall.ECONNREFUSED):
			_ = os.Remove(path)
			continue
		case err != nil:
			continue
		}
		if running, _, _ := strings.Cut(filepath.Base(path), "."); name != "" && running != socketName(name) {
			conn.Close()
			others = append(others, running)
			continue
		}
		lines := bufio.NewScanner(conn)
		lines.Buffer(make([]byte, 0, 4<<10), MaxState)
		return &Client{conn, lines}, nil
	}
	if len(others) > 0 {
		return nil, fmt.Errorf("no presentation of %s is running; these are: %s", name, strings.Join(others, ", "))
	}
	return nil, errors.New("no presentation is running: begin one with ringside present NAME, or P on the screen")
}

// newestFirst lists the sockets of a directory.
func newestFirst(dir string) ([]string, error) {
	if _, err := os.Lstat(dir); errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err := ownDir(dir); err != nil {
		return nil, err
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	type socket struct {
		path string
		made time.Time
	}
	var sockets []socket
	for _, e := range entries {
		info, err := e.Info()
		if err == nil && info.Mode().Type() == fs.ModeSocket && strings.HasSuffix(e.Name(), ".sock") {
			sockets = append(sockets, socket{filepath.Join(dir, e.Name()), info.ModTime()})
		}
	}
	slices.SortFunc(sockets, func(x, y socket) int { return y.made.Compare(x.made) })
	var paths []string
	for _, s := range sockets {
		paths = append(paths, s.path)
	}
	return paths, nil
}

// ErrEnded says that the presentation is over.
var ErrEnded = errors.New("the presentation has ended")

// Next waits for the next state.
func (c *Client) Next() (*State, error) {
	if !c.lines.Scan() {
		if errors.Is(c.lines.Err(), bufio.ErrTooLong) {
			return nil, errors.New("the presentation sent a line that is too long")
		}
		return nil, ErrEnded
	}
	return parseState(c.lines.Bytes())
}

// Do sends a command.
func (c *Client) Do(do string) error {
	_ = c.conn.SetWriteDeadline(time.Now().Add(writeTimeout))
	_, err := c.conn.Write(line(command{Version, "command", do}))
	return err
}

// Close ends the connection.
func (c *Client) Close() { c.conn.Close() }
