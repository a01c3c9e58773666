package listing

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"time"
)

// Digest is a SHA-256 sum.
type Digest [sha256.Size]byte

// String is the digest in hexadecimal.
func (d Digest) String() string { return hex.EncodeToString(d[:]) }

// MarshalText writes what String writes.
func (d Digest) MarshalText() ([]byte, error) { return []byte(d.String()), nil }

// UnmarshalText reads what MarshalText writes.
func (d *Digest) UnmarshalText(text []byte) error {
	raw, err := hex.DecodeString(string(text))
	if err != nil || len(raw) != len(d) {
		return fmt.Errorf("a digest is %d hexadecimal digits", 2*len(d))
	}
	copy(d[:], raw)
	return nil
}

// Link is the hash of the audit chain after one more record: whoever knows it
// knows that nothing before it was altered, left out or put in.
func Link(before Digest, record []byte) Digest {
	h := sha256.New()
	h.Write([]byte("dnsbld audit 1\n"))
	h.Write(before[:])
	h.Write(record)
	return Digest(h.Sum(nil))
}

// Evidence is what was seen of an address. It is kept beside the change that
// it led to, which holds its salted digest only: the evidence can be erased
// when its time is over, or a person asks, and the chain still verifies. The
// salt keeps a digest from being found by trying likely names.
type Evidence struct {
	Salt    []byte   `json:"salt,omitempty"`
	Samples []Sample `json:"samples,omitempty"`
	// Sessions is how many sessions an operator says there were; 0: they are counted.
	Sessions int    `json:"sessions,omitempty"`
	Digest   Digest `json:"digest,omitzero"` // set when the rest is kept apart or erased
}

// Sample is one session as a receiver saw it.
type Sample struct {
	Time     time.Time `json:"time"`
	Receiver string    `json:"receiver,omitempty"`
	HELO     string    `json:"helo"` // printable ASCII: escaped on the way in
	Verdict  string    `json:"verdict,omitempty"`
	DNS      string    `json:"dns,omitempty"` // of the sender, as it was seen then
}

// MaxSamples is how many samples one piece of evidence holds.
const MaxSamples = 20

// Sum is the salted digest that stands for the evidence.
func (e *Evidence) Sum() Digest {
	if len(e.Samples) == 0 {
		return e.Digest
	}
	raw, err := json.Marshal(&Evidence{Salt: e.Salt, Samples: e.Samples, Sessions: e.Sessions})
	if err != nil { // times beyond the year 9999 alone do this
		raw = fmt.Appendf(nil, "%x %+v", e.Salt, e.Samples)
	}
	return sha256.Sum256(raw)
}
