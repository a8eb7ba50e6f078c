package speaker

import (
	"bufio"
	"net"
	"os"
	"sync"
	"time"
)

// Limits of a server: more clients are turned away, slower ones are dropped.
const (
	maxClients   = 8
	writeTimeout = 5 * time.Second
)

// Server tells clients what a presentation shows. Nobody who presents ever waits
// for a client.
type Server struct {
	listener net.Listener
	path     string
	do       func(command string)

	mu      sync.Mutex
	clients map[*client]bool
	last    []byte // the newest state
}

// client is a connection. out has room for one line: the newest.
type client struct {
	conn net.Conn
	out  chan []byte
}

// Listen opens the socket of a presentation in a directory. Commands of clients
// come one at a time for each client, from goroutines of the server.
func Listen(dir, name string, do func(command string)) (*Server, error) {
	if err := ownDir(dir); err != nil {
		return nil, err
	}
	path := socketPath(dir, name, os.Getpid())
	_ = os.Remove(path) // of a dead process with our number, or our own closed one
	l, err := net.Listen("unix", path)
	if err != nil {
		return nil, err
	}
	if err := os.Chmod(path, 0o600); err != nil { // the directory kept others out until here
		l.Close()
		return nil, err
	}
	s := &Server{listener: l, path: path, do: do, clients: map[*client]bool{}}
	go s.accept()
	return s, nil
}

// Close ends all connections and removes the socket.
func (s *Server) Close() {
	s.listener.Close()
	s.mu.Lock()
	defer s.mu.Unlock()
	for c := range s.clients {
		c.conn.Close()
	}
	s.clients = nil
}

// Publish makes a state the present one.
func (s *Server) Publish(state State) {
	b := state.line()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.last = b
	for c := range s.clients {
		c.offer(b)
	}
}

// offer replaces a line that has not been sent yet. Only who holds the server's
// lock calls it, so there is room after the old line is taken away.
func (c *client) offer(b []byte) {
	select {
	case <-c.out:
	default:
	}
	c.out <- b
}

func (s *Server) accept() {
	for {
		conn, err := s.listener.Accept()
		if err != nil {
			return // closed
		}
		c := &client{conn: conn, out: make(chan []byte, 1)}
		if !s.add(c) {
			conn.Close()
			continue
		}
		go c.write()
		go s.serve(c)
	}
}

// add takes a client in, with the present state as its first line.
func (s *Server) add(c *client) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.clients == nil || len(s.clients) >= maxClients {
		return false
	}
	s.clients[c] = true
	if s.last != nil {
		c.offer(s.last)
	}
	return true
}

// serve reads a client's commands until it goes or sends something else.
func (s *Server) serve(c *client) {
	lines := bufio.NewScanner(c.conn)
	lines.Buffer(make([]byte, 0, MaxCommand), MaxCommand)
	for lines.Scan() {
		do, err := parseCommand(lines.Bytes())
		if err != nil {
			s.drop(c, err)
			return
		}
		s.do(do)
	}
	s.drop(c, lines.Err())
}

// drop lets a client go; if it is not gone already, with a reason.
func (s *Server) drop(c *client, why error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.clients, c)
	if why != nil {
		c.offer(line(problem{Version, "error", why.Error()}))
	}
	close(c.out)
}

// write sends what is offered and ends the connection when there will be no more.
func (c *client) write() {
	for b := range c.out {
		_ = c.conn.SetWriteDeadline(time.Now().Add(writeTimeout))
		if _, err := c.conn.Write(b); err != nil {
			break
		}
	}
	c.conn.Close() // ends serve as well, which closes out
}
