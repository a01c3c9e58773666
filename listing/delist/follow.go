package delist

import (
	"crypto/hmac"
	"strings"
)

// followTag is how many octets nobody can guess.
const followTag = 10

// Follow is what stands in the URL at which a sender follows his ticket: the ticket,
// and a tag that takes our key. Tickets stand in subjects of mails; the tag is told to
// who asked alone.
func (s *Signer) Follow(ticket string) string {
	return ticket + "-" + text32.EncodeToString(s.tag(followTag, "follow", []byte(ticket)))
}

// ReadFollow is the ticket that a reference of Follow is for, in any case of letters.
func (s *Signer) ReadFollow(reference string) (ticket string, ok bool) {
	reference = strings.ToUpper(reference)
	ticket, _, _ = strings.Cut(reference, "-")
	return ticket, hmac.Equal([]byte(reference), []byte(s.Follow(ticket)))
}
