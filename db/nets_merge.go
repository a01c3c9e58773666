package db

import (
	"bytes"

	bolt "go.etcd.io/bbolt"
)

// netMerger makes the blocks that changes of other entries lead to. Blocks in which
// nothing changes stay as they are.
type netMerger struct {
	peek func() *netKey // what the next change is about, nil after the last
	take func()         // takes that change
	put  func(put) error
	keep bool // blocks that no change belongs into need no look

	// settle says what stands of a key afterwards: have is what there is, nil for
	// nothing, and said that the next change is about it.
	settle func(key *netKey, have *attrs, said bool) (after *attrs, differs bool, err error)

	old   netBlock
	to    []byte     // key of the block after it; nil: none
	build netBuilder // what waits to be written
}

// merge goes through the blocks that there are, if any, and the changes.
func (m *netMerger) merge(c *bolt.Cursor) error {
	k, v := first(c)
	for k != nil || m.peek() != nil {
		key, old := k, v
		if k != nil {
			k, v = c.Next()
		}
		if m.to = k; m.keep && len(m.build.entries) == 0 && !m.due() {
			continue
		}
		if err := m.block(key, old); err != nil {
			return err
		}
	}
	return m.build.flush(m.put)
}

// due reports whether the next change belongs into the block: what comes before the
// one after it does.
func (m *netMerger) due() bool {
	next := m.peek()
	return next != nil && (m.to == nil || bytes.Compare(next.onDisk(), m.to) < 0)
}

// block puts what stands of a block afterwards with what waits, if it is to be
// written anew, or what waits is too little for a block.
func (m *netMerger) block(key, old []byte) error {
	m.old.items = nil
	if old != nil {
		if err := m.old.open(key, old); err != nil {
			return err
		}
	}
	gone := func() error {
		if old == nil {
			return nil
		}
		return m.put(put{key: bytes.Clone(key)})
	}
	waiting := len(m.build.entries)
	changed, err := m.entries(gone)
	if err != nil {
		return err
	}
	if !changed && (waiting == 0 || waiting >= netsFew) {
		m.build.entries = m.build.entries[:waiting]
		return m.build.flush(m.put)
	}
	if !changed {
		err = gone()
	}
	if err == nil && len(m.build.entries) >= netsMost {
		err = m.build.flush(m.put)
	}
	return err
}

// entries settles those of the block and the changes that belong into it. gone is
// called when it is known that the block changes, before anything takes its place.
func (m *netMerger) entries(gone func() error) (changed bool, err error) {
	for i := 0; i < m.old.len() || m.due(); {
		key, have, said, err := m.next(i)
		if err == nil {
			changed, err = m.entry(&key, have, said, changed, gone)
		}
		if err != nil {
			return false, err
		}
		if have != nil {
			i++
		}
		if said {
			m.take()
		}
	}
	return changed, nil
}

func (m *netMerger) entry(key *netKey, have *attrs, said, changed bool, gone func() error) (bool, error) {
	const many = 16 * netsMost // a first import puts all it has into one place
	after, differs, err := m.settle(key, have, said)
	if err == nil && differs && !changed {
		changed = true
		err = gone()
	}
	if err == nil && changed && len(m.build.entries) >= many {
		err = m.build.flush(m.put)
	}
	if err == nil && after != nil {
		m.build.entries = append(m.build.entries, netEntry{*key, *after})
	}
	return changed, err
}

// next is the key that comes next, of an entry of the block, or of a change, or of
// both.
func (m *netMerger) next(i int) (key netKey, have *attrs, said bool, err error) {
	if i < m.old.len() {
		key, have, err = m.old.entry(i)
	}
	if err != nil || !m.due() {
		return key, have, false, err
	}
	next := m.peek()
	switch order := bytes.Compare(key[:], next[:]); {
	case have == nil || order > 0:
		return *next, nil, true, nil
	case order == 0:
		return key, have, true, nil
	}
	return key, have, false, nil
}
