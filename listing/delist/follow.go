package delist

import (
	"crypto/hmac"
	"strings"
)

// followTag is how many octets nobody can guess.
const followTag = 10

// Names that our key makes secret, by what they name.
const (
	ofTicket = "follow"
	ofResult = "result"
)

// Follow is what stands in the URL at which a sender follows his ticket: the ticket,
// and a tag that takes our key. Tickets stand in subjects of mails; the tag is told to
// who asked alone.
func (s *Signer) Follow(ticket string) string { return s.secret(ofTicket, ticket) }

// ReadFollow is the ticket that a reference of Follow is for, in any case of letters.
func (s *Signer) ReadFollow(reference string) (ticket string, ok bool) {
	return s.readSecret(ofTicket, reference)
}

// Result is what stands in the URL of what was answered to a request. The id of a
// request is a digest of a key that others may know, of a Message-ID or a number of a
// ticket system: the tag keeps them from reading the answer.
func (s *Signer) Result(id string) string { return s.secret(ofResult, strings.ToUpper(id)) }

// ReadResult is the id of the request that a name of Result is for.
func (s *Signer) ReadResult(name string) (id string, ok bool) {
	id, ok = s.readSecret(ofResult, name)
	return strings.ToLower(id), ok
}

// secret is an id in capitals with a tag that takes our key.
func (s *Signer) secret(purpose, id string) string {
	return id + "-" + text32.EncodeToString(s.tag(followTag, purpose, []byte(id)))
}

func (s *Signer) readSecret(purpose, name string) (id string, ok bool) {
	name = strings.ToUpper(name)
	id, _, _ = strings.Cut(name, "-")
	return id, hmac.Equal([]byte(name), []byte(s.secret(purpose, id)))
}
