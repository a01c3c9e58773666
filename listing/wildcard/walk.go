package wildcard

// All yields the names of the whole list, those below a name before it, until
// yield returns false.
func (n Names) All(yield func(Owner) bool) {
	w := walk{Names: n, yield: yield}
	w.block(apex(), nil, every)
}

// depth of a walk.
type mode uint8

const (
	every mode = iota // yields a block and all below
	alone             // yields the block alone
	probe             // yields nothing: does the name exist?
)

// walk goes through the names at and below one block.
type walk struct {
	Names
	yield   func(Owner) bool
	ended   bool // yield wants no more
	cursors [families]*cursor
}

// block walks from a block, whose name lies below a wildcard that answers cover.
func (w *walk) block(b block, cover Answers, m mode) {
	for f := range families {
		w.cursors[f] = newCursor(w.List, b.of(f))
		defer w.cursors[f].stop()
	}
	w.at(b, cover, m)
}

// at walks a block that the cursors have come to.
func (w *walk) at(b block, cover Answers, m mode) (exists bool) {
	says, exists := w.move(b, cover)
	fixed, there := w.Fixed[b.name]
	exists = exists || there || b.depth == 0
	switch {
	case fixed: // what is there is another zone's
		w.skip(b)
		return true
	case exists && m == probe:
		return true
	}
	own, inner := w.owns(b, says)
	below := w.children(b, inner, m) || there
	if exists = exists || below; exists && m != probe {
		w.putBlock(b, own, inner, below)
	}
	return exists
}

// putBlock yields what a name and its wildcard own. A name that owns nothing and
// has none below gets a marker, so that it exists.
func (w *walk) putBlock(b block, own, inner Answers, below bool) {
	w.put(b.name, own)
	if len(inner) > 0 {
		w.put(star(b.name), inner)
	}
	if len(own)+len(inner) == 0 && !below && b.depth > 0 && !w.ended {
		w.ended = !w.yield(Owner{Name: b.name})
	}
}

// move brings the cursors to a block, and gives what it says and whether that
// differs from what the wildcard above does.
func (w *walk) move(b block, cover Answers) (says [families]Answers, differs bool) {
	for f := range families {
		if b.of(f).IsValid() {
			says[f] = w.cursors[f].at(b.of(f))
			differs = differs || !same(says[f], cover)
		}
	}
	return says, differs
}

// skip moves the cursors past a block.
func (w *walk) skip(b block) {
	for f := range families {
		if b.of(f).IsValid() {
			w.cursors[f].skip(b.of(f))
		}
	}
}

// owns is what a name answers if it exists, and what its wildcard does.
func (w *walk) owns(b block, says [families]Answers) (own, inner Answers) {
	for f := families; f > 0; f-- { // of two wildcards IPv4's stands
		if b.whole(f - 1) {
			own = says[f-1]
		} else if b.below(f - 1) {
			inner = says[f-1]
		}
	}
	if b.v4.IsValid() && b.v4 == w.Exact {
		inner = nil
	}
	return own, inner
}

// children walks the blocks below and reports whether any of their names
// exists.
func (w *walk) children(b block, inner Answers, m mode) (exist bool) {
	if m == alone {
		m = probe // once one exists the cursors are not needed again
	}
	for label := 0; !w.ended; label++ {
		if label = w.next(b, label, inner); label >= labels {
			break
		}
		exist = w.at(b.enter(label), inner, m) || exist
		if exist && m == probe {
			break
		}
	}
	return exist
}

// next is the first label from one on whose block may differ from the wildcard.
func (w *walk) next(b block, label int, inner Answers) int {
	first := labels
	if b.below(v4) && label < letters {
		if i := w.cursors[v4].from(b, v4, label, 256, inner); i < 256 {
			first = i
		}
	}
	if b.below(v6) {
		i, digit := nibble(label)
		if !digit { // octets of IPv4 alone
			i = 10
		}
		if i = w.cursors[v6].from(b, v6, i, 16, inner); i < 16 {
			first = min(first, labelOf(v6, i))
		}
	}
	return first
}

// put yields a name with what it answers, if that is something.
func (w *walk) put(name string, says Answers) {
	if !w.ended && len(says) > 0 {
		w.ended = !w.yield(Owner{name, says})
	}
}

func star(name string) string {
	if name == "" {
		return "*"
	}
	return "*." + name
}
