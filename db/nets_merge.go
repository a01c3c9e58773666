package db

import (
	"bytes"
	"sort"

	bolt "go.etcd.io/bbolt"
)

// netMerger makes the blocks that changes of other entries lead to. Blocks in which
// nothing changes stay as they are.
type netMerger struct {
	n   int               // changes, in order
	key func(int) *netKey // what each is about

	// settle says what stands of a key afterwards: have is what there is, nil for
	// nothing, and i the change, -1 where there is none.
	settle func(key *netKey, have *attrs, i int) (after *attrs, differs bool, err error)

	at    int // the first change not yet looked at
	old   netBlock
	build netBuilder // what waits to be written
	puts  []put
}

// merge goes through the blocks that there are, if any, and the changes.
func (m *netMerger) merge(c *bolt.Cursor) ([]put, error) {
	k, v := first(c)
	for k != nil || m.at < m.n {
		key, old := k, v
		if k != nil {
			k, v = c.Next()
		}
		end := m.n
		if k != nil { // what comes before the next block belongs into this one
			end = m.at + sort.Search(m.n-m.at, func(i int) bool { return bytes.Compare(m.key(m.at+i).onDisk(), k) >= 0 })
		}
		if err := m.block(key, old, end); err != nil {
			return nil, err
		}
	}
	m.build.flush(&m.puts)
	return m.puts, nil
}

// block puts what stands of a block afterwards with what waits, if it is to be
// written anew, or what waits is too little for a block.
func (m *netMerger) block(key, old []byte, end int) error {
	m.old.items = nil
	if old != nil {
		if err := m.old.open(key, old); err != nil {
			return err
		}
	}
	gone := func() {
		if old != nil {
			m.puts = append(m.puts, put{key: bytes.Clone(key)})
		}
	}
	waiting := len(m.build.entries)
	changed, err := m.entries(end, gone)
	if err != nil {
		return err
	}
	if !changed && (waiting == 0 || waiting >= netsFew) {
		m.build.entries = m.build.entries[:waiting]
		m.build.flush(&m.puts)
		return nil
	}
	if !changed {
		gone()
	}
	if len(m.build.entries) >= netsMost {
		m.build.flush(&m.puts)
	}
	return nil
}

// entries settles those of the block and the changes up to one. gone is called
// when it is known that the block changes, before anything takes its place.
func (m *netMerger) entries(end int, gone func()) (changed bool, err error) {
	const many = 16 * netsMost // a first import puts all it has into one place
	for i := 0; i < m.old.len() || m.at < end; {
		key, have, change, err := m.next(i, end)
		if err != nil {
			return false, err
		}
		if have != nil {
			i++
		}
		if change >= 0 {
			m.at++
		}
		after, differs, err := m.settle(&key, have, change)
		if err != nil {
			return false, err
		}
		if after != nil {
			m.build.entries = append(m.build.entries, netEntry{key, *after})
		}
		if differs && !changed {
			changed = true
			gone()
		}
		if changed && len(m.build.entries) == many {
			m.build.flush(&m.puts)
		}
	}
	return changed, nil
}

// next is the key that comes next, of an entry of the block, or of a change, or of
// both.
func (m *netMerger) next(i, end int) (key netKey, have *attrs, change int, err error) {
	if i < m.old.len() {
		var a attrs
		key, a, err = m.old.decoded(i)
		have = &a
	}
	if err != nil || m.at == end {
		return key, have, -1, err
	}
	said := m.key(m.at)
	switch order := bytes.Compare(key[:], said[:]); {
	case have == nil || order > 0:
		return *said, nil, m.at, nil
	case order == 0:
		return key, have, m.at, nil
	}
	return key, have, -1, nil
}

// decoded is an entry with its attributes.
func (b *netBlock) decoded(n int) (k netKey, a attrs, err error) {
	k, raw, err := b.entry(n)
	if err == nil {
		a, err = decodeAttrs(raw)
	}
	return k, a, err
}
