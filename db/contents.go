package db

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"hash/maphash"
	"iter"
	"slices"

	"dnsbld/listing"
)

// contents is what an import says, sorted and without repetitions. A host
// takes eight bytes, and what feeds say of many stands once in said, or a few
// times.
type contents struct {
	said  saidList
	hosts []uint64 // IPv4 address, then number in said
	wide  []wideEntry
}

// saidList numbers what a feed says as it comes: the same thing the same number,
// unless another with its hash was said since. A feed in which every line has a text
// of its own says a million things, and a map of these costs more than what it spares
// of feeds with few. It lies in chunks, so that it is not copied as it grows.
type saidList struct {
	chunks [][]attrs
	n      uint32
	seed   maphash.Seed
	lately []uint64 // number and the upper half of the hash, by the lower
	last   uint32   // given last: runs of one are the rule
}

const saidChunk, saidLately = 1 << 10, 1 << 18

func (l *saidList) at(id uint32) *attrs { return &l.chunks[id/saidChunk][id%saidChunk] }

func (l *saidList) id(v *attrs) uint32 {
	if l.n > 0 && *l.at(l.last) == *v {
		return l.last
	}
	if l.lately == nil {
		l.lately, l.seed = make([]uint64, saidLately), maphash.MakeSeed()
	}
	hash := maphash.Comparable(l.seed, *v)
	lately := &l.lately[hash%saidLately]
	id := uint32(*lately)
	if *lately>>32 != hash>>32 || id >= l.n || *l.at(id) != *v {
		if l.n%saidChunk == 0 {
			l.chunks = append(l.chunks, make([]attrs, 0, saidChunk))
		}
		last := len(l.chunks) - 1
		l.chunks[last] = append(l.chunks[last], *v)
		id = l.n
		*lately = hash>>32<<32 | uint64(id)
		l.n++
	}
	l.last = id
	return l.last
}

// wideEntry is an entry that is not one IPv4 host.
type wideEntry struct {
	key  netKey
	said uint32
}

// gather takes in entries until they end.
func gather(ctx context.Context, entries iter.Seq2[listing.Entry, error]) (*contents, error) {
	const lookUp = 1024 // how many entries between looks at ctx
	c, n := &contents{}, 0
	for e, err := range entries {
		if err == nil && n%lookUp == 0 {
			err = ctx.Err()
		}
		if err == nil {
			err = c.add(&e)
		}
		if err != nil {
			return nil, err
		}
		n++
	}
	c.seal()
	return c, ctx.Err()
}

// add takes in one entry. Which source says so is the request's to say.
func (c *contents) add(e *listing.Entry) error {
	if err := checkSubject(e.Subject); err != nil {
		return err
	}
	if err := listing.CheckEnd(e.Until); err != nil {
		return fmt.Errorf("%s: %w", e.Subject, err)
	}
	id := c.said.id(&attrs{since: seconds(e.Since), until: seconds(e.Until), reason: e.Reason, except: e.Except,
		public: e.PublicNote, note: e.Note, ticket: e.Ticket})
	if isHost4(e.Subject) {
		c.hosts = append(c.hosts, uint64(e.Subject.V4())<<32|uint64(id))
		return nil
	}
	c.wide = append(c.wide, wideEntry{netKeyOf(e.Key), id})
	return nil
}

// seal sorts, and keeps the best of what is said of one key.
func (c *contents) seal() {
	c.said.lately = nil
	slices.Sort(c.hosts)
	c.sealHosts()
	slices.SortFunc(c.wide, func(a, b wideEntry) int {
		return cmp.Or(bytes.Compare(a.key[:], b.key[:]), c.compareSaid(a.said, b.said))
	})
	c.wide = slices.CompactFunc(c.wide, func(a, b wideEntry) bool { return a.key == b.key })
}

// sealHosts puts what is said of one host in order of reason. The numbers of
// attributes follow the order of the file, and no more: where a host has several,
// they are sorted by what they stand for.
func (c *contents) sealHosts() {
	kept := c.hosts[:0]
	for from, to := 0, 0; from < len(c.hosts); from = to {
		for to = from + 1; to < len(c.hosts) && c.hosts[to]>>32 == c.hosts[from]>>32; {
			to++
		}
		if to-from > 1 {
			c.sortHost(c.hosts[from:to])
		}
		for n := from; n < to; n++ {
			if n > from && c.at(n).reason == c.said.at(uint32(kept[len(kept)-1])).reason {
				continue
			}
			kept = append(kept, c.hosts[n])
		}
	}
	c.hosts = kept
}

func (c *contents) sortHost(same []uint64) {
	slices.SortFunc(same, func(a, b uint64) int { return c.compareSaid(uint32(a), uint32(b)) })
}

func (c *contents) at(n int) *attrs { return c.said.at(uint32(c.hosts[n])) }

// compareSaid orders by reason, the better first.
func (c *contents) compareSaid(a, b uint32) int {
	x, y := c.said.at(a), c.said.at(b)
	switch {
	case x.reason != y.reason:
		return int(x.reason) - int(y.reason)
	case x.better(y):
		return -1
	case y.better(x):
		return 1
	}
	return 0
}

// block is the first /16 of some hosts: its key and its hosts; none of none.
func (c *contents) block(hosts []uint64) (key []byte, block []uint64) {
	const blockBits = 32 + 16
	if len(hosts) == 0 {
		return nil, nil
	}
	n := slices.IndexFunc(hosts, func(h uint64) bool { return h>>blockBits != hosts[0]>>blockBits })
	if n < 0 {
		n = len(hosts)
	}
	return hostKey(uint32(hosts[0] >> 32)), hosts[:n]
}

// checkSource looks at the name, which is a key on disk.
func checkSource(s *listing.SourceEdit) error {
	if s == nil || s.Name == "" || len(s.Name) > mostName {
		return fmt.Errorf("import without a source, or with a name over %d bytes: %w", mostName, listing.ErrInvalid)
	}
	return nil
}
