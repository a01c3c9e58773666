package ctl

// AcceptReceiver asks to end the probation of a receiver.
type AcceptReceiver struct {
	Name string `path:"name" json:"-"`
}

// Accepted is what became of it.
type Accepted struct {
	Receiver string `json:"receiver"`
	Changed  bool   `json:"changed"` // false: it was not on probation
}
