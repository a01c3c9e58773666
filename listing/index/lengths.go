package index

import "math/bits"

// lengths is a set of prefix lengths, 0 to 128.
type lengths [3]uint64

func (s *lengths) add(n uint8)      { s[n>>6] |= 1 << (n & 63) }
func (s *lengths) has(n uint8) bool { return s[n>>6]>>(n&63)&1 != 0 }

// union is what is in one of two sets.
func (s lengths) union(o lengths) lengths {
	return lengths{s[0] | o[0], s[1] | o[1], s[2] | o[2]}
}

// upTo is what of the set is at most n.
func (s lengths) upTo(n uint8) lengths {
	switch {
	case n >= 128:
		return s
	case n >= 64:
		return lengths{s[0], s[1] & (2<<(n&63) - 1), 0}
	}
	return lengths{s[0] & (2<<n - 1), 0, 0}
}

// take removes the greatest length of the set.
func (s *lengths) take() (n uint8, ok bool) {
	for w := len(s) - 1; w >= 0; w-- {
		if s[w] != 0 {
			n = uint8(bits.Len64(s[w]) - 1)
			s[w] &^= 1 << n
			return uint8(w)<<6 | n, true
		}
	}
	return 0, false
}

// single reports whether the set is of one length.
func (s *lengths) single() bool {
	return bits.OnesCount64(s[0])+bits.OnesCount64(s[1])+bits.OnesCount64(s[2]) == 1
}
