package db

import (
	"bytes"
	"net/netip"
	"slices"

	"dnsbld/listing"

	bolt "go.etcd.io/bbolt"
)

// each gives the entries inside a prefix, the zero subject meaning all, by
// subject, then reason, then source.
func (s *state) each(within listing.Subject, yield func(listing.Entry) bool) error {
	scans, err := s.scans(rangeOf(within))
	if err != nil {
		return err
	}
	for _, scan := range scans {
		if err := scan.next(); err != nil {
			return err
		}
	}
	for {
		scans = slices.DeleteFunc(scans, func(s *scan) bool { return s.over })
		if len(scans) == 0 {
			return nil
		}
		least := slices.MinFunc(scans, func(a, b *scan) int { return a.at.Key.Compare(b.at.Key) })
		if !yield(least.at) {
			return nil
		}
		if err := least.next(); err != nil {
			return err
		}
	}
}

// Entries lie in as many buckets as there are sources, and twice that: hosts are
// packed. Each is a merge of scans over them. Few sources are the rule, so the
// least of them is looked for anew each time.

// keyRange is the range of keys of what is inside a prefix.
type keyRange struct{ from, to []byte } // to nil: no end; the key to is inside

func rangeOf(within listing.Subject) keyRange {
	if !within.IsValid() {
		return keyRange{}
	}
	last := lastAddr(within)
	end := listing.Subject{Prefix: netip.PrefixFrom(last, last.BitLen())}
	return keyRange{subjectKey(within), append(subjectKey(end), 0xff)}
}

func lastAddr(s listing.Subject) netip.Addr {
	a := s.Addr().AsSlice()
	for bit := s.Bits(); bit < 8*len(a); bit++ {
		a[bit/8] |= 0x80 >> (bit % 8)
	}
	last, _ := netip.AddrFromSlice(a)
	return last
}

func (r keyRange) first(c cursor) (k, v []byte) { return r.inside(c.Seek(r.from)) }

func (r keyRange) inside(k, v []byte) ([]byte, []byte) {
	if k == nil || (r.to != nil && bytes.Compare(k, r.to) > 0) {
		return nil, nil
	}
	return k, v
}

// scan gives one after the other of the entries of one bucket: at is the
// current one after next, until it has ended.
type scan struct {
	at   listing.Entry
	over bool
	step func() (e listing.Entry, ok bool, err error)
}

func (s *scan) next() error {
	e, ok, err := s.step()
	s.at, s.over = e, !ok
	return err
}

// scans are those of all buckets with entries.
func (s *state) scans(r keyRange) ([]*scan, error) {
	all := []*scan{scanKeys(keyCursor{s.tx.Bucket(entriesBucket).Cursor()}, r, decodeEntry)}
	sources, err := s.sources()
	if err != nil {
		return nil, err
	}
	for n := range sources {
		src := &sources[n]
		hosts, nets, err := s.contents(src.Name)
		if err != nil {
			return nil, err
		}
		decode := func(k, v []byte) (listing.Entry, error) { return decodeWide(k, v, src) }
		all = append(all, scanHosts(hosts.Cursor(), r, src), scanKeys(&netCursor{blocks: nets.Cursor()}, r, decode))
	}
	return all, nil
}

// scanKeys goes through a bucket that has an entry a key.
func scanKeys(c cursor, r keyRange, decode func(k, v []byte) (listing.Entry, error)) *scan {
	advance := func() ([]byte, []byte) { return r.first(c) }
	return &scan{step: func() (e listing.Entry, ok bool, err error) {
		k, v := advance()
		if k == nil {
			return e, false, c.err()
		}
		advance = func() ([]byte, []byte) { return r.inside(c.Next()) }
		e, err = decode(k, v)
		return e, err == nil, err
	}}
}

// hosts is the range of IPv4 addresses of a range of keys; ok is false
// when it has none as a whole.
func (r keyRange) hosts() (from, to uint32, ok bool) {
	if r.to == nil {
		return 0, 1<<32 - 1, true
	}
	first, _, _ := cutSubject(r.from)
	last, _, _ := cutSubject(r.to)
	return first.V4(), last.V4(), first.Addr().Is4()
}

// scanHosts goes through the blocks of a source.
func scanHosts(c *bolt.Cursor, r keyRange, src *listing.Source) *scan {
	from, to, ok := r.hosts()
	var block blockReader
	n := 0
	var k, v []byte
	if ok {
		k, v = c.Seek(hostKey(from))
	}
	return &scan{step: func() (e listing.Entry, ok bool, err error) {
		for {
			for n == block.len() {
				if k == nil {
					return e, false, nil
				}
				if err := block.open(k, v); err != nil {
					return e, false, err
				}
				n = 0
				k, v = c.Next()
			}
			v4, a, err := block.host(n)
			if err != nil || v4 > to {
				return e, false, err
			}
			n++
			if v4 >= from {
				return a.entry(hostSubject(v4), src), true, nil
			}
		}
	}}
}
