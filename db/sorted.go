package db

import (
	"bytes"
	"encoding/binary"
)

// sorted goes through what an import says in order: the IPv4 hosts, then the others;
// of several entries of one key the best alone. It begins at the first.
type sorted struct {
	attrs         // of the entry where it stands
	v4     uint32 // its address, if it is a host
	key    netKey // its key, if it is not
	isHost bool
	isNet  bool // neither: there are no more

	runs []*run // a heap: the one whose next record comes first
	raw  []byte // attrs as they are encoded
}

// run is a run as far as it has been read.
type run struct {
	pieces [][]byte
	rest   []byte // of the piece before
	key    []byte // of the record that comes next
	raw    []byte
}

// next takes the next record; ok is false at the end.
func (r *run) next() (ok bool) {
	if len(r.rest) == 0 {
		if len(r.pieces) == 0 {
			return false
		}
		r.rest, r.pieces = r.pieces[0], r.pieces[1:]
	}
	r.key, r.raw, r.rest = cutRecord(r.rest)
	return true
}

func (c *contents) sorted() *sorted {
	s := &sorted{}
	for _, pieces := range c.runs {
		if r := (&run{pieces: pieces}); r.next() {
			s.runs = append(s.runs, r)
		}
	}
	for n := len(s.runs) - 1; n >= 0; n-- {
		s.sink(n)
	}
	s.next()
	return s
}

// sink puts a run of the heap where it belongs, if it is too far up.
func (s *sorted) sink(n int) {
	for {
		least := n
		for child := 2*n + 1; child <= 2*n+2 && child < len(s.runs); child++ {
			if bytes.Compare(s.runs[child].key, s.runs[least].key) < 0 {
				least = child
			}
		}
		if least == n {
			return
		}
		s.runs[n], s.runs[least] = s.runs[least], s.runs[n]
		n = least
	}
}

// advance moves the first run on.
func (s *sorted) advance() {
	if !s.runs[0].next() {
		last := len(s.runs) - 1
		s.runs[0] = s.runs[last]
		s.runs = s.runs[:last]
	}
	if len(s.runs) > 1 {
		s.sink(0)
	}
}

// next goes to the next entry.
func (s *sorted) next() {
	s.isHost, s.isNet = false, false
	if len(s.runs) == 0 {
		return
	}
	key := s.runs[0].key
	s.isHost, s.isNet = key[0] == hostOrder, key[0] != hostOrder
	if s.isHost {
		s.v4 = binary.BigEndian.Uint32(key[1:])
	} else {
		s.key = netKey{}
		copy(s.key[:], key)
	}
	s.read(s.runs[0].raw)
	for s.advance(); len(s.runs) > 0 && bytes.Equal(s.runs[0].key, key); s.advance() {
		best := s.attrs
		if s.read(s.runs[0].raw); best.better(&s.attrs) {
			s.attrs, s.raw = best, nil
		}
	}
}

// read decodes attributes. Runs of the same are the rule.
func (s *sorted) read(raw []byte) {
	if !bytes.Equal(raw, s.raw) {
		r := reader{b: raw, lasts: true} // the spool is closed after what is made of it
		s.attrs, s.raw = r.attrs(), raw
	}
}

// inBlock reports whether it stands at a host of the /16 of an address.
func (s *sorted) inBlock(v4 uint32) bool { return s.isHost && s.v4>>16 == v4>>16 }

// net is the key of the entry where it stands, nil if that is a host or there is none.
func (s *sorted) net() *netKey {
	if s.isNet {
		return &s.key
	}
	return nil
}
