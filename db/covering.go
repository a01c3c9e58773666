package db

import (
	"bytes"
	"math/bits"
	"net/netip"
	"slices"

	"dnsbld/listing"
)

// Bbolt has no question for "the keys that are a prefix of this one". Covering
// entries are found by seeking, in a few steps: a list holds few widths around
// one address.

// covering finds every entry whose subject holds all of s, widest first, then
// by reason and source.
func (s *state) covering(subject listing.Subject) (all []listing.Entry, err error) {
	err = scanCovering(keyCursor{s.tx.Bucket(entriesBucket).Cursor()}, subject, func(k, v []byte) error {
		e, err := decodeEntry(k, v)
		all = append(all, e)
		return err
	})
	if err != nil {
		return nil, err
	}
	sources, err := s.sources()
	if err != nil {
		return nil, err
	}
	for n := range sources {
		if err := s.sourced(&sources[n], subject, scanCovering, func(e listing.Entry) { all = append(all, e) }); err != nil {
			return nil, err
		}
	}
	slices.SortFunc(all, func(a, b listing.Entry) int { return a.Key.Compare(b.Key) })
	return all, nil
}

// scanSubject gives what has a subject exactly.
func scanSubject(c cursor, s listing.Subject, each func(k, v []byte) error) error {
	prefix := subjectKey(s)
	for k, v := c.Seek(prefix); bytes.HasPrefix(k, prefix); k, v = c.Next() {
		if err := each(k, v); err != nil {
			return err
		}
	}
	return c.err()
}

// scanCovering gives what has s or a wider prefix of it as its subject, from
// s outwards. It looks at the last key that is not after s: one that does not
// hold s shares some leading bits with it, and nothing longer than these can
// hold it either. So every step but the matches skips at least one length.
func scanCovering(c cursor, s listing.Subject, each func(k, v []byte) error) error {
	for length := s.Bits(); length >= 0; {
		prefix := listing.Subject{Prefix: netip.PrefixFrom(s.Addr(), length).Masked()}
		k, _ := lastUpTo(c, prefix)
		found, _, ok := cutSubject(k)
		if !ok || found.Addr().Is4() != s.Addr().Is4() {
			return c.err()
		}
		if !found.Covers(s) {
			length = min(length-1, sharedBits(found, s))
			continue
		}
		if err := scanSubject(c, found, each); err != nil {
			return err
		}
		length = found.Bits() - 1
	}
	return nil
}

// lastUpTo is the last key that is not after those of s.
func lastUpTo(c cursor, s listing.Subject) (k, v []byte) {
	if k, _ = c.Seek(append(subjectKey(s), 0xff, 0xff)); k == nil {
		return c.Last()
	}
	return c.Prev()
}

// sharedBits is how many leading bits the addresses of two subjects of one
// family share.
func sharedBits(a, b listing.Subject) int {
	x, y := a.Addr().AsSlice(), b.Addr().AsSlice()
	for n := range x {
		if d := x[n] ^ y[n]; d != 0 {
			return 8*n + bits.LeadingZeros8(d)
		}
	}
	return 8 * len(x)
}
