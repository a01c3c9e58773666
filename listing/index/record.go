package index

// record is one entry in the prefix table. Records at one prefix are a list,
// this list's own entries first; lists share their tails and never change.
type record struct {
	next   *record
	text   string // the entry's own, if it has one
	until  uint32 // 0: with its source
	class  uint16
	except bool
}

// find is the record of a class, or nil.
func (r *record) find(class uint16) *record {
	for ; r != nil; r = r.next {
		if r.class == class {
			return r
		}
	}
	return nil
}

// without is the list less the record of a class.
func (r *record) without(class uint16) *record {
	if r == nil {
		return nil
	}
	if r.class == class {
		return r.next
	}
	rest := r.next.without(class)
	if rest == r.next {
		return r
	}
	next := *r
	next.next = rest
	return &next
}

// with is the list and one more record, of a class that is not in it.
func (r *record) with(more record, t *classes) *record {
	if r == nil || t.isOwn(more.class) || !t.isOwn(r.class) {
		more.next = r
		return &more
	}
	next := *r
	next.next = r.next.with(more, t)
	return &next
}
