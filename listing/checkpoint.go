package listing

import (
	"fmt"
	"strconv"
	"strings"
)

// Checkpoint is the audit chain at a revision. Whoever keeps one elsewhere can
// prove later that nothing up to it was altered. As text it is REVISION:HASH,
// the hash in hexadecimal.
type Checkpoint struct {
	Revision Revision
	Chain    Digest
}

// String is the checkpoint as text.
func (c Checkpoint) String() string { return fmt.Sprintf("%d:%s", c.Revision, c.Chain) }

// MarshalText writes what String writes.
func (c Checkpoint) MarshalText() ([]byte, error) { return []byte(c.String()), nil }

// UnmarshalText reads what MarshalText writes.
func (c *Checkpoint) UnmarshalText(text []byte) error {
	number, hash, _ := strings.Cut(string(text), ":")
	n, err := strconv.ParseUint(number, 10, 64)
	if err == nil {
		err = c.Chain.UnmarshalText([]byte(hash))
	}
	if err != nil || n == 0 {
		return &Error{Kind: ErrInvalid, Code: "bad-checkpoint", Message: Quote(string(text)) + " is not a checkpoint"}
	}
	c.Revision = Revision(n)
	return nil
}

// Verified is what was found of the audit chain.
type Verified struct {
	Head    Revision `json:"revision"` // the newest that was looked at
	Chain   Digest   `json:"chain"`    // hash of the chain there
	Records int      `json:"records"`  // that were looked at
	Broken  Revision `json:"broken"`   // the first that is not as it was written; 0: none

	Forgotten Revision `json:"forgotten,omitempty"` // up to it only the hashes are kept

	// Of a full verification: the records that were replayed, how much of the list
	// is not what they make of it, and the first of that.
	Replayed    int          `json:"replayed,omitempty"`
	Differ      int          `json:"differ,omitempty"`
	Differences []Difference `json:"differences,omitempty"`
}

// Difference is where a list is not what its log makes of it.
type Difference struct {
	What string `json:"what"` // for example "entries 192.0.2.7, reason 2"
	Kept string `json:"kept"` // as it stands; empty: it is not there
	Log  string `json:"log"`  // as the log makes it; empty: it makes none
}

// String names the difference.
func (d Difference) String() string {
	switch {
	case d.Kept == "":
		return d.What + ", which is missing"
	case d.Log == "":
		return d.What + ", of which the log has nothing"
	}
	return d.What
}

// Checkpoint is where the verification ended.
func (v Verified) Checkpoint() Checkpoint { return Checkpoint{v.Head, v.Chain} }
