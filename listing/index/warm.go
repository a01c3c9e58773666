package index

import "net/netip"

// Warm loads what Lookup will need for some addresses, so that it is near when
// they are looked up one by one: what a query waits for is memory, which
// answers many requests in the time of one. It pays from a few addresses and
// some hundred thousand entries on. What it returns means nothing; it is there
// so that the loads are not left out.
func (s *Set) Warm(addrs []netip.Addr) (nothing uint32) {
	const most = 32
	var leaves [most]*leaf
	for len(addrs) > 0 {
		part := addrs[:min(most, len(addrs))]
		addrs = addrs[len(part):]
		for i, a := range part { // each loop waits for memory once, not once a turn
			if leaves[i] = &noLeaf; a.Is4() {
				leaves[i] = s.leafAt(v4(a))
			}
			nothing += leaves[i].form.n()
		}
		for i, a := range part {
			if l := leaves[i]; l.form.n() > 0 {
				nothing += l.warmFirst(uint16(v4(a)))
			}
		}
		for i, a := range part {
			if l := leaves[i]; l.form.n() > 0 && l.form.steps() > 0 {
				nothing += l.warmIndexed(uint16(v4(a)))
			}
		}
	}
	return nothing
}

// warmFirst loads an entry and its row where the place can be computed, else
// the index.
func (l *leaf) warmFirst(low uint16) uint32 {
	if l.form.steps() > 0 {
		from, _ := l.bucket(low)
		return uint32(from)
	}
	return l.warmAt(place(low, l.form.n()))
}

// warmIndexed loads the entry and its row that the index leads to.
func (l *leaf) warmIndexed(low uint16) uint32 {
	from, to := l.bucket(low)
	return l.warmAt(min((from+to)/2, l.length()-1))
}

func (l *leaf) warmAt(i int) uint32 {
	class, until := l.row(i)
	return uint32(l.lows()[i]) + uint32(class) + until
}
