package sim

// Seq is the number of a record in its run, from 0.
type Seq int32

// NoSeq stands for "no record": the first steps of a run have no cause.
const NoSeq Seq = -1

// Record is what one step of a machine leaves behind. Everything that is shown,
// exported or asked is a view of the machine's state and of these records;
// nothing else is remembered.
//
// The ground floor gives the small numbers no meaning: the machine that writes
// them owns the tables behind Fn, Step, Kind, Point, Ctx, Flags and Station.
//
// A record is written when its step is complete: the step occupied the span
// from T-Dur to T, and its effect is in the state that goes with the record.
// T never falls from one record to the next.
type Record struct {
	T       Time     // when the step was complete
	Dur     Time     // how long it took
	Arg     [2]int64 // what the step was about, by Fn and Point
	Cause   Seq      // the record that made this step happen, or NoSeq
	Obj     int32    // the object touched, an index in its arena
	Task    int16    // whose context it ran in, or -1
	Fn      uint16   // the function, a row of the machine's text
	Step    uint8    // the step in that function
	Kind    uint8    // the kind of object Obj counts
	Point   uint8    // the kernel tracepoint the step corresponds to, or 0
	CPU     int8     // the core, or -1 for a device
	Ctx     uint8    // user, syscall, hardirq, softirq, idle, hardware
	Ring    uint8    // the CPU's privilege level, 0 or 3
	Flags   uint8    // interrupts off, need-resched, …
	Preempt uint8    // preempt depth
	Station uint8    // the station of the packet's path, or 0
}
