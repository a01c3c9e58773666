package report

import (
	"fmt"
	"time"
)

// Mirror is how a zone that is taken from a primary is.
type Mirror struct {
	Primary  string    `json:"primary"`
	Serial   uint32    `json:"serial"`           // that was taken
	Taken    time.Time `json:"taken,omitzero"`   // when something last came
	Checked  time.Time `json:"checked,omitzero"` // when the primary was last heard
	Expires  time.Time `json:"expires,omitzero"` // it is answered no longer, unless the primary is heard
	Failures uint64    `json:"failures"`         // looks that failed since the start
	Error    string    `json:"error,omitempty"`  // of the last one, if that failed
}

// Grade says how well a mirror is, in a sentence, with what is to be done.
func (m *Mirror) Grade(now time.Time) (g Grade, text, remedy string) {
	const look = "look whether the primary runs and lets this host have the zone, at the key, and at the log here"
	stamp := func(t time.Time) string { return t.UTC().Format(time.RFC3339) }
	switch {
	case m.Expires.IsZero():
		return Fail, fmt.Sprintf("nothing was taken from the primary %s yet: %s", m.Primary, m.Error), look
	case !now.Before(m.Expires):
		return Fail, fmt.Sprintf("the primary %s was last heard at %s: the zone is answered with SERVFAIL since %s: %s", m.Primary, stamp(m.Checked), stamp(m.Expires), m.Error), look
	case m.Error != "":
		return Warn, fmt.Sprintf("the primary %s was last heard at %s, and the zone is answered until %s: %s", m.Primary, stamp(m.Checked), stamp(m.Expires), m.Error), look
	}
	return Pass, fmt.Sprintf("serial %d was taken from the primary %s at %s", m.Serial, m.Primary, stamp(m.Taken)), ""
}
