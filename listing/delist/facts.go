package delist

import (
	"net/netip"
	"time"

	"dnsbld/listing"
	"dnsbld/listing/language"
	"dnsbld/listing/removal"
)

// Facts are what a decision rests on.
type Facts struct {
	Address  netip.Addr
	Entries  []Listing          // that list the address in any zone; shadow entries that no zone answers are left out
	Counters Counters           // of the sessions of the address
	Requests []time.Time        // of this requester, who did not show control of the address; this one left out, those older than 7 days ignored
	Crowd    []time.Time        // of all such requesters
	PerWeek  int                // how many requests of one requester in 7 days are heard; 0: 3. Of all together it is CrowdFactor times as many
	Offered  Proof              // with this request; its zero value: none
	Proofs   []Proof            // that came in before
	Role     Role               // who asks
	Language *language.Language // that the decision is said in
	Probing  bool               // a mail to a probe address is a way to prove it, so that the words may speak of it
}

// Listing is an entry that lists the address.
type Listing struct {
	listing.Entry // Until is set: for an entry that ends with its source, to the source's end
	Info          listing.ReasonInfo
	SelfDelisted  []time.Time // when senders themselves ended earlier listings of this key
	Fixed         bool        // for reasons that end when fixed: what was seen is seen no more
	Looked        bool        // for the same reasons: somebody has looked just now
	Feed          Feed        // of an imported listing: where to ask
	Word          bool        // it rests on a feed's or an operator's word alone: control of the address has to be shown
	Capped        bool        // so much was taken out of its source today that a person decides
}

// Feed is what an operator says of an imported list; each empty where he says nothing.
type Feed struct{ URL, Contact string }

// Counters say when the address last greeted badly, and how it greeted then.
type Counters struct {
	LastBogus time.Time // the last bogus session; zero: none known
	LastClean time.Time // the last clean confirmed session; zero: none known
	Bogus     int       // bogus sessions in the 24 h that end with LastBogus
	Clean     int       // clean confirmed sessions in the same 24 h
}

// Role is who asks for a decision. The zero value is the sender.
type Role uint8

// Roles of those who ask.
const (
	Sender  Role = iota
	Support      // a person at the desk, who decides for the sender
)

// Proof is one piece of it.
type Proof struct {
	Kind    removal.ProofKind `json:"kind"`
	Address netip.Addr        `json:"address"` // for which it was given
	Time    time.Time         `json:"time"`
	Clean   bool              `json:"clean,omitempty"` // it shows besides that the address greets properly now
}

// Controls reports whether who gives the proof controls an address. A mail
// address within the domain of its name is easily forged, and what our counters
// saw says nothing of who asks.
func (p Proof) Controls(a netip.Addr) bool {
	kind := p.Kind == removal.ProofMail || p.Kind == removal.ProofTXT || p.Kind == removal.ProofWeb
	return kind && p.Address.IsValid() && listing.Canonical(p.Address) == listing.Canonical(a)
}

// The rules' numbers.
const (
	requestWindow  = 7 * listing.Day
	defaultPerWeek = 3
	CrowdFactor    = 10               // how many requesters at their limit an address takes
	soon           = 6 * time.Hour    // what ends within it need not be decided
	selfWindow     = 30 * listing.Day // in which a sender delists once without proof
	supportLevel   = 3                // from here on a listing that may be ended twice takes support
	lockoutLevel   = 4
)

// coolDown is how long the last bogus session must be ago, by level.
func coolDown(level int) time.Duration {
	switch {
	case level <= 1:
		return 0
	case level == 2:
		return 6 * time.Hour
	default:
		return 24 * time.Hour
	}
}
