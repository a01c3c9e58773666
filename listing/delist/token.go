package delist

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base32"
	"encoding/binary"
	"fmt"
	"net/netip"
	"strings"
	"time"

	"dnsbld/listing"
)

// Signer mints and checks what the desk hands out: probe tokens and letter
// references. Both carry all that is needed to check them; nothing is stored.
type Signer struct{ key []byte }

// minKey is the least length of a key, in octets.
const minKey = 16

// NewSigner returns a Signer with a secret key of at least 16 octets. Whoever
// has the key can mint.
func NewSigner(key []byte) (*Signer, error) {
	if len(key) < minKey {
		return nil, fmt.Errorf("signing key of %d octets, at least %d are needed: %w", len(key), minKey, listing.ErrInvalid)
	}
	return &Signer{key: append([]byte(nil), key...)}, nil
}

// tag is the start of an HMAC-SHA-256 over parts, told apart by purpose.
func (s *Signer) tag(size int, purpose string, parts ...[]byte) []byte {
	h := hmac.New(sha256.New, s.key)
	fmt.Fprintf(h, "dnsbld %s\n", purpose)
	for _, p := range parts {
		h.Write(binary.BigEndian.AppendUint32(nil, uint32(len(p))))
		h.Write(p)
	}
	return h.Sum(nil)[:size]
}

// Pseudonym stands for something that must not be kept as it is, such as the address
// of a client. Without the key nobody can find it by trying.
func (s *Signer) Pseudonym(of string) string {
	const size = 10 // octets
	return text32.EncodeToString(s.tag(size, "pseudonym", []byte(of)))
}

// text32 is base32 (RFC 4648, section 6) without padding. It survives mail
// systems that change the case of a local part.
var text32 = base32.StdEncoding.WithPadding(base32.NoPadding)

// Token is what a sender puts into the local part of the probe address, to
// show that he controls a listed address: helo+TOKEN@probe.…. It consists of
// 39 letters and digits in any case: the expiry (4 octets), tags of the
// address and of the listing (6 each), and a tag over these (8).
type Token string

const (
	tokenExpiry = 4
	tokenTag    = 6
	tokenMAC    = 8
	tokenSize   = tokenExpiry + 2*tokenTag + tokenMAC
)

// Stand is the listing that a token is for, told by when it began: it stays the
// same when another session extends it, and a token for an earlier listing of
// the address proves nothing about this one.
type Stand struct{ Since time.Time }

func (st Stand) bytes() []byte { return binary.BigEndian.AppendUint64(nil, uint64(st.Since.Unix())) }

// Mint makes a token for an address and its listing, good until an instant
// (to the minute, not after the year 10136).
func (s *Signer) Mint(a netip.Addr, st Stand, until time.Time) Token {
	body := s.tokenBody(a, st, uint32(until.Unix()/60))
	return Token(strings.ToLower(text32.EncodeToString(append(body, s.tag(tokenMAC, "token", body)...))))
}

func (s *Signer) tokenBody(a netip.Addr, st Stand, minutes uint32) []byte {
	addr := listing.Canonical(a).AsSlice()
	body := binary.BigEndian.AppendUint32(nil, minutes)
	body = append(body, s.tag(tokenTag, "token address", addr)...)
	return append(body, s.tag(tokenTag, "token listing", addr, st.bytes())...)
}

// Verify checks a token that came from an address. The error is a
// *listing.Error of kind ErrPolicy with the code token-forged, token-expired,
// token-foreign (minted for another address) or token-superseded (minted for
// an earlier listing).
func (s *Signer) Verify(t Token, a netip.Addr, st Stand, now time.Time) error {
	raw, err := text32.DecodeString(strings.ToUpper(string(t)))
	if err != nil || len(raw) != tokenSize {
		return refuseToken("token-forged", "this is not a token of ours", "copy the whole probe address from the letter or the page")
	}
	body, mac := raw[:tokenSize-tokenMAC], raw[tokenSize-tokenMAC:]
	minutes := binary.BigEndian.Uint32(body)
	want := s.tokenBody(a, st, minutes)
	end := tokenExpiry + tokenTag
	ours := hmac.Equal(mac, s.tag(tokenMAC, "token", body))
	here := hmac.Equal(body[tokenExpiry:end], want[tokenExpiry:end])
	current := hmac.Equal(body[end:], want[end:])
	switch until := time.Unix(int64(minutes)*60, 0); {
	case !ours:
		return refuseToken("token-forged", "this is not a token of ours", "copy the whole probe address from the letter or the page")
	case !now.Before(until):
		return refuseToken("token-expired", "the token was good until "+stamp(until), "ask for a new one on the page of the address")
	case !here:
		return refuseToken("token-foreign", fmt.Sprintf("the token was not made for %s", a), "send the mail from the listed address, or ask for a token for this one")
	case !current:
		return refuseToken("token-superseded", "the token belongs to an earlier listing of the address", "ask for a new one on the page of the address")
	}
	return nil
}

func refuseToken(code, message, hint string) error {
	return &listing.Error{Kind: listing.ErrPolicy, Code: code, Message: message, Hint: hint}
}
