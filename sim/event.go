package sim

// Event is something that will happen at a time. It is a value: no pointer, no
// closure, so that a queue of them is copied by copying memory.
type Event struct {
	At    Time
	seq   uint32 // breaks ties: first pushed, first popped
	Cause Seq    // the record that scheduled it
	Kind  uint16 // what happens: the machine's own numbering
	A, B  int32  // its subject
	C     int64
}
