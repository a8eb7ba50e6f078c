package scenarios

import (
	"embed"
	"fmt"
)

//go:embed templates
var templates embed.FS

// Template is a commented file to start an own one from.
type Template struct{ Name, Title string }

// Templates are those that there are, the simplest first.
func Templates() []Template {
	return []Template{
		{"udp", "one server that waits in epoll_wait, and packets for it"},
		{"tcp", "a server that accepts a connection from a remote host, reads and answers"},
		{"many-sockets", "one thread and many sockets: what epoll has to look at"},
		{"threads", "threads that share sockets and cores, one spawned by another"},
	}
}

// Source is the file.
func (t Template) Source() []byte {
	data, err := templates.ReadFile("templates/" + t.Name + ".yaml")
	if err != nil {
		panic(fmt.Sprintf("the template %s is not embedded: %v", t.Name, err))
	}
	return data
}
