package wildcard

import (
	"maps"
	"net/netip"
)

// Diff is how a zone changes when its list does, but for the prefixes in at
// nothing having changed: what names owned that own it no longer, and what they
// own now. It gives up, with ok false, when more than most names are concerned.
//
// Only the names above and below a changed prefix can own something else: the
// wildcard that covers a name follows from the prefixes around the name.
func (n Names) Diff(next Names, at []netip.Prefix, most int) (removed, added []Owner, ok bool) {
	roots, uppers := n.concerned(at)
	before, fits := n.own(roots, uppers, most)
	after, fit := next.own(roots, uppers, most)
	if !fits || !fit {
		return nil, nil, false
	}
	return without(before, after), without(after, before), true
}

// concerned are the blocks at which names may change, by name: the changed
// prefixes, of which all below may change too, and the blocks above them.
func (n Names) concerned(at []netip.Prefix) (roots, uppers map[string][]block) {
	roots, uppers = map[string][]block{}, map[string][]block{}
	for _, p := range at {
		for _, q := range aligned(p) {
			way := path(q)
			roots[way[len(way)-1].name] = way
			for k := range way[1:] {
				uppers[way[k].name] = way[:k+1]
			}
		}
	}
	maps.DeleteFunc(roots, func(_ string, way []block) bool { return n.inside(way, roots) })
	maps.DeleteFunc(uppers, func(_ string, way []block) bool { return roots[way[len(way)-1].name] != nil || n.inside(way, roots) })
	return roots, uppers
}

// without are the owners that others are not, or not with the same answers.
func without(owners, others map[string]Answers) (all []Owner) {
	for name, says := range owners {
		if there, is := others[name]; !is || !same(there, says) {
			all = append(all, Owner{name, says})
		}
	}
	return all
}

// inside reports whether a block lies below one of the roots or in another
// zone.
func (n Names) inside(way []block, roots map[string][]block) bool {
	for k := range way[:len(way)-1] {
		if roots[way[k].name] != nil || n.Fixed[way[k].name] {
			return true
		}
	}
	return false
}

// own is what the names own at and below roots, and at those above.
func (n Names) own(roots, uppers map[string][]block, most int) (all map[string]Answers, ok bool) {
	all = map[string]Answers{}
	w := walk{Names: n, yield: func(o Owner) bool {
		all[o.Name] = o.Says
		return len(all) <= most
	}}
	for m, some := range map[mode]map[string][]block{every: roots, alone: uppers} {
		for _, way := range some {
			cover, empty := w.cover(way)
			if !empty || m == every {
				w.block(way[len(way)-1], cover, m)
			}
			if w.ended {
				return nil, false
			}
		}
	}
	return all, true
}

// cover is what the wildcard above the last block answers, and whether neither
// that nor the block says anything.
func (w *walk) cover(way []block) (cover Answers, empty bool) {
	b := way[len(way)-1]
	if len(way) > 1 {
		above := way[len(way)-2]
		_, cover = w.owns(above, w.says(above))
	}
	says := w.says(b)
	return cover, len(cover)+len(says[v4])+len(says[v6]) == 0
}

func (w *walk) says(b block) (says [families]Answers) {
	for f := range families {
		if b.of(f).IsValid() {
			says[f] = w.List.Says(b.of(f))
		}
	}
	return says
}
