package listing

import (
	"context"
	"encoding/binary"
	"iter"
	"net/netip"
	"time"
)

// Packed is a Snapshot that gives what Served does many entries at a time.
type Packed interface {
	// Blocks may use the memory of a block again for the next one.
	Blocks() iter.Seq2[*Block, error]
}

// PackedChanges is a Store that tells many entries at a time.
type PackedChanges interface {
	// ChangesInBlocks is Changes, but entries that an import adds may lie in the block
	// of one Change, which belongs to the reader.
	ChangesInBlocks(ctx context.Context, after Revision) iter.Seq2[Change, error]
}

// Block is some entries of one source, or of this list's own, that lie together
// in a store: either IPv4 hosts of one /16, or others.
type Block struct {
	Source   string
	Said     []Said    // the different things that are said
	Which    []uint32  // of them by each entry; nil: the first by all
	Net      uint32    // first address of the /16
	Hosts    []uint16  // lower halves of the addresses, in order, of one host by reason
	Subjects []Subject // in order, of one by reason; nil where there are Hosts
}

// Said is what an entry says of its subject.
type Said struct {
	Reason Reason
	Except bool
	Until  time.Time // zero: ends with its source

	// Head and Text together are its own text. Head is how one before it in the block
	// begins, or in what the store made the block of.
	Head, Text string
}

// Len is how many entries there are.
func (b *Block) Len() int { return max(len(b.Hosts), len(b.Subjects)) }

// Served is an entry of the block.
func (b *Block) Served(n int) Served {
	said := &b.Said[0]
	if b.Which != nil {
		said = &b.Said[b.Which[n]]
	}
	e := Served{Key: Key{Reason: said.Reason, Source: b.Source}, Except: said.Except, Until: said.Until, Text: said.Head + said.Text}
	if b.Subjects != nil {
		e.Subject = b.Subjects[n]
		return e
	}
	var a [4]byte
	binary.BigEndian.PutUint32(a[:], b.Net|uint32(b.Hosts[n]))
	e.Subject = Subject{Prefix: netip.PrefixFrom(netip.AddrFrom4(a), 32)}
	return e
}
