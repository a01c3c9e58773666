package report

import (
	"cmp"
	"context"
	"errors"
	"hash/maphash"
	"maps"
	"net/netip"
	"slices"

	"dnsbld/listing"
)

// Preview is what a file would make of a source, for a person who looks before
// it is imported. How many entries would be new, gone and kept is said apart.
type Preview struct {
	Hidden   int               `json:"hidden"`   // lines that an allow entry hides
	Widest   []listing.Subject `json:"widest"`   // prefixes, the widest first
	Networks []Network         `json:"networks"` // that have the most lines
	First    []PreviewLine     `json:"first"`    // lines, as the file has them
	Gone     []Row             `json:"gone"`     // the first entries of the source that the file has not; empty also where the file has more than a million lines
}

// Network is how many lines of a file are inside a /16, or a /32 of IPv6.
type Network struct {
	Subject listing.Subject `json:"prefix"`
	Lines   int             `json:"lines"`
}

// PreviewLine is one line of a file.
type PreviewLine struct {
	Subject listing.Subject `json:"prefix"`
	Reason  string          `json:"reason"`
	Except  bool            `json:"except,omitempty"`
	New     bool            `json:"new"` // the source has it not yet

	key listing.Key
}

// Limits of a preview.
const (
	previewLines    = 20
	previewPrefixes = 5
	previewKeys     = 1 << 20 // lines that are remembered to tell what is gone
	previewNetworks = 1 << 17
)

// Previewer gathers a Preview while the file is read. Of a line it keeps a hash
// of its key, eight octets, to tell in the end which entries of the source the
// file lacks; beyond previewKeys lines it keeps none.
type Previewer struct {
	book     *listing.Book
	source   string
	found    Preview
	hide     listing.Cover
	networks map[listing.Subject]int
	seed     maphash.Seed
	keys     map[uint64]struct{} // of the file; nil: they are too many
}

// NewPreviewer returns a Previewer of a file for a source.
func NewPreviewer(ctx context.Context, book *listing.Book, source string) (*Previewer, error) {
	p := &Previewer{book: book, source: source, networks: map[listing.Subject]int{}, seed: maphash.MakeSeed(), keys: map[uint64]struct{}{},
		found: Preview{Widest: []listing.Subject{}, Networks: []Network{}, First: []PreviewLine{}, Gone: []Row{}}}
	err := book.Store().View(ctx, func(snap listing.Snapshot) error {
		all, err := listing.AllowsInForce(snap, book.Now())
		var hide []listing.Subject
		for _, a := range all {
			hide = append(hide, a.Subject)
		}
		p.hide = listing.NewCover(hide...)
		return err
	})
	return p, err
}

// Add takes in a line.
func (p *Previewer) Add(e listing.Entry) {
	e.Source = p.source
	if len(p.found.First) < previewLines {
		p.found.First = append(p.found.First, PreviewLine{Subject: e.Subject, Except: e.Except, key: e.Key})
	}
	if p.hide.Covers(e.Subject) {
		p.found.Hidden++
	}
	if n := NetworkOf(e.Subject); p.networks[n] > 0 || len(p.networks) < previewNetworks {
		p.networks[n]++
	}
	p.widest(e.Subject)
	if p.keys == nil {
		return
	}
	if p.keys[maphash.Comparable(p.seed, e.Key)] = struct{}{}; len(p.keys) > previewKeys {
		p.keys = nil
	}
}

// widest keeps the few prefixes that hold the most addresses, in their family.
func (p *Previewer) widest(s listing.Subject) {
	if s.IsHost() || slices.Contains(p.found.Widest, s) {
		return
	}
	hosts := func(s listing.Subject) int { return s.Addr().BitLen() - s.Bits() }
	at, _ := slices.BinarySearchFunc(p.found.Widest, s, func(a, b listing.Subject) int {
		return cmp.Or(cmp.Compare(hosts(b), hosts(a)), a.Compare(b))
	})
	if at < previewPrefixes {
		wide := slices.Insert(p.found.Widest, at, s)
		p.found.Widest = wide[:min(len(wide), previewPrefixes)]
	}
}

// NetworkOf is the network by which lines and entries are counted: what one would call a
// provider of its own, roughly.
func NetworkOf(s listing.Subject) listing.Subject {
	bits := 16
	if s.Addr().Is6() {
		bits = 32
	}
	return listing.Subject{Prefix: netip.PrefixFrom(s.Addr(), min(bits, s.Bits())).Masked()}
}

// Result is the preview of all lines, held against the source as it stands.
// replace says that what the file has not would go.
func (p *Previewer) Result(ctx context.Context, replace bool) (*Preview, error) {
	for _, s := range slices.SortedFunc(maps.Keys(p.networks), func(a, b listing.Subject) int {
		return cmp.Or(cmp.Compare(p.networks[b], p.networks[a]), a.Compare(b))
	}) {
		if len(p.found.Networks) < previewPrefixes {
			p.found.Networks = append(p.found.Networks, Network{s, p.networks[s]})
		}
	}
	reasons := p.book.Rules().Reasons
	err := p.book.Store().View(ctx, func(snap listing.Snapshot) error {
		for n := range p.found.First {
			line := &p.found.First[n]
			_, err := snap.Get(line.key)
			if line.New = errors.Is(err, listing.ErrNotFound); err != nil && !line.New {
				return err
			}
			line.Reason = reasons.Symbol(line.key.Reason)
		}
		if !replace || p.keys == nil {
			return nil
		}
		rows := Rows{Reasons: reasons}
		return List(snap, rows, Query{Source: &p.source}, p.book.Now(), func(e listing.Entry) error {
			if _, stays := p.keys[maphash.Comparable(p.seed, e.Key)]; !stays && len(p.found.Gone) < previewLines {
				p.found.Gone = append(p.found.Gone, rows.Row(e))
			}
			return nil
		})
	})
	return &p.found, err
}
