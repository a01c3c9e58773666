package db

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"syscall"
)

// bbolt believes its pages: one that leads to itself keeps it busy for ever, a key out
// of order is not found any more, and a page that is in use and free at once is
// overwritten by the next commit. So the pages of a file are looked at before bbolt
// reads them. As far as they are read, a page is
//
//	id (8 octets) · flags (2) · count (2) · further pages (4) · elements of 16 · their keys and values
//
// where an element of a branch is the place of its key (from itself on) (4) · length of
// the key (4) · page (8), and one of a leaf flags (4) · place (4) · length of the key (4)
// · length of the value (4). A value of flags 1 is a bucket: its root page (8) ·
// sequence (8) and, where the root is 0, a leaf. The free list has page numbers of 8
// octets; where the count is 65535 the first is the count.
const (
	branchPage = 0x01
	leafPage   = 0x02
	freePage   = 0x10

	pageElement  = 16
	bucketHeader = 16
	manyFree     = 0xFFFF
	noFreeList   = 1<<64 - 1

	metaRoot = 16
	metaFree = 32

	mostDeep = 64 // levels of all buckets on the way to a page: five are many
)

// pages is a look at the pages of a file.
type pages struct {
	data []byte
	size uint64   // of a page
	high uint64   // behind the last
	used []uint64 // a bit for each that was reached

	// Of a file that is damaged the buckets that cannot be read without end are
	// collected, by name, and other damage is passed over; nil: the first of all ends it.
	endless map[string]error
}

// checkTree looks at all pages of a file that is open and locked.
func checkTree(f *os.File) error { return (&pages{}).check(f) }

// endlessBuckets are the buckets of a damaged file in which a page is reached twice.
func endlessBuckets(f *os.File) (map[string]error, error) {
	p := &pages{endless: map[string]error{}}
	return p.endless, p.check(f)
}

func (p *pages) check(f *os.File) error {
	meta := newestMeta(f)
	if meta == nil {
		return foreign("it has no valid head")
	}
	number := func(at int) uint64 { return binary.NativeEndian.Uint64(meta[at:]) }
	p.size, p.high = uint64(binary.NativeEndian.Uint32(meta[metaPageSize:])), number(metaHigh)
	data, err := syscall.Mmap(int(f.Fd()), 0, int(p.size*p.high), syscall.PROT_READ, syscall.MAP_SHARED)
	if err != nil {
		return fmt.Errorf("looking at the pages: %w", err)
	}
	p.data, p.used = data, make([]uint64, p.high/64+1)
	p.used[0] = 1<<0 | 1<<1 // the two heads
	err = guarded(func() error {
		if err := p.tree(number(metaRoot), nil, nil, 0, ""); err != nil || p.endless != nil || number(metaFree) == noFreeList {
			return err
		}
		return p.free(number(metaFree))
	})
	return errors.Join(err, syscall.Munmap(data))
}

// newestMeta is the head that bbolt goes by.
func newestMeta(f *os.File) (newest []byte) {
	for _, at := range metaOffsets() {
		meta, ok := metaAt(f, at)
		if ok && (newest == nil || binary.NativeEndian.Uint64(meta[metaTx:]) >= binary.NativeEndian.Uint64(newest[metaTx:])) {
			newest = meta
		}
	}
	return newest
}

// wrong is damage that bbolt notices where it meets it.
func (p *pages) wrong(id uint64, what string) error {
	if p.endless != nil {
		return nil
	}
	return corruptf("page %d: %s", id, what)
}

// take marks some pages as reached.
func (p *pages) take(id, n uint64) error {
	for ; n > 0; id, n = id+1, n-1 {
		if p.used[id/64]&(1<<(id%64)) != 0 {
			return corruptf("page %d is in two places", id)
		}
		p.used[id/64] |= 1 << (id % 64)
	}
	return nil
}

// page is a page with those that belong to it, or a leaf inside one.
type page struct {
	id    uint64
	kind  uint16
	count int
	raw   []byte
}

// at is a page that is in the file and of a kind that there is.
func (p *pages) at(id uint64) (one page, ok bool) {
	if id >= p.high {
		return one, false
	}
	one = openPage(p.data[id*p.size:])
	further := uint64(binary.NativeEndian.Uint32(one.raw[12:]))
	if one.id != id || further >= p.high-id {
		return one, false
	}
	one.raw = one.raw[:(further+1)*p.size]
	return one, true
}

func openPage(raw []byte) page {
	return page{id: binary.NativeEndian.Uint64(raw), kind: binary.NativeEndian.Uint16(raw[8:]), count: int(binary.NativeEndian.Uint16(raw[10:])), raw: raw}
}

// tree looks at what a page leads to, whose keys are from low on and, unless that is
// nil, below high. The name is that of the bucket it is in; "": the file itself.
func (p *pages) tree(id uint64, low, high []byte, level int, name string) error {
	one, ok := p.at(id)
	switch {
	case level == mostDeep:
		return corruptf("page %d: it is too deep", id)
	case !ok || one.kind != branchPage && one.kind != leafPage:
		return p.wrong(id, "it is not the one that it should be")
	}
	if err := p.take(id, uint64(len(one.raw))/p.size); err != nil {
		return err
	}
	if one.kind == leafPage {
		return p.leaf(&one, low, high, level, name)
	}
	return p.branch(&one, low, high, level, name)
}

func (p *pages) branch(one *page, low, high []byte, level int, name string) error {
	if one.count == 0 {
		return p.wrong(one.id, "it leads nowhere")
	}
	for n := range one.count {
		e, ok := one.element(n)
		end := high
		if following, more := one.element(n + 1); more {
			end = following.key
		}
		if !ok || bytes.Compare(e.key, low) < 0 || end != nil && bytes.Compare(e.key, end) >= 0 {
			if err := p.wrong(one.id, "its keys are not what they should be"); err != nil || !ok {
				return err
			}
		}
		if err := p.tree(e.page, e.key, end, level+1, name); err != nil {
			return err
		}
	}
	return nil
}

// leaf looks at a leaf. Of its keys the first and the last are looked at, for there are
// many: what stands between them is checked by those who read it.
func (p *pages) leaf(one *page, low, high []byte, level int, name string) error {
	for n := range one.count {
		at := pageHeader + n*pageElement
		if n > 0 && n < one.count-1 && at+4 <= len(one.raw) && binary.NativeEndian.Uint32(one.raw[at:]) == 0 {
			continue // neither at an end nor a bucket
		}
		e, ok := one.element(n)
		if !ok || bytes.Compare(e.key, low) < 0 || high != nil && bytes.Compare(e.key, high) >= 0 {
			if err := p.wrong(one.id, "its keys are not what they should be"); err != nil || !ok {
				return err
			}
		}
		if e.bucket {
			if err := p.bucket(one, &e, level, name); err != nil {
				return err
			}
		}
	}
	return nil
}

// element is one of a page.
type element struct {
	key    []byte
	page   uint64 // of a branch
	bucket bool
	value  []byte // of a leaf
}

// element reads one, if there is one and it lies in the page.
func (one *page) element(n int) (e element, ok bool) {
	at := pageHeader + n*pageElement
	if n >= one.count || at+pageElement > len(one.raw) {
		return e, false
	}
	raw := one.raw[at:]
	number := func(at int) uint64 { return uint64(binary.NativeEndian.Uint32(raw[at:])) }
	flags, place, size, length := uint64(0), number(0), number(4), uint64(0)
	if one.kind == leafPage {
		flags, place, size, length = number(0), number(4), number(8), number(12)
	} else {
		e.page = binary.NativeEndian.Uint64(raw[8:])
	}
	table := uint64(one.count-n) * pageElement
	if flags > 1 || size == 0 || place < table || place+size+length > uint64(len(raw)) {
		return e, false
	}
	e.bucket, e.key, e.value = flags == 1, raw[place:][:size], raw[place+size:][:length]
	return e, true
}

// bucket looks at a bucket in a leaf.
func (p *pages) bucket(in *page, e *element, level int, name string) (err error) {
	if len(e.value) < bucketHeader {
		return p.wrong(in.id, "it has a bucket that is none")
	}
	top := name == ""
	if top {
		name = string(e.key)
	}
	if root := binary.NativeEndian.Uint64(e.value); root != 0 {
		err = p.tree(root, nil, nil, level+1, name)
	} else {
		err = p.inline(in, e.value[bucketHeader:], level, name)
	}
	if top && p.endless != nil && err != nil {
		p.endless[name], err = err, nil
	}
	return err
}

// inline looks at a bucket that is a leaf inside another.
func (p *pages) inline(in *page, raw []byte, level int, name string) error {
	if len(raw) < pageHeader {
		return p.wrong(in.id, "it has a bucket that is none")
	}
	one := openPage(raw)
	if one.kind != leafPage {
		return p.wrong(in.id, "it has a bucket that is none")
	}
	one.id = in.id
	return p.leaf(&one, nil, nil, level+1, name)
}

// free looks at the free list: none of its pages may be reached.
func (p *pages) free(id uint64) error {
	one, ok := p.at(id)
	if !ok || one.kind != freePage {
		return corruptf("page %d: it is not the free list that it should be", id)
	}
	count, ids := uint64(one.count), one.raw[pageHeader:]
	if count == manyFree {
		count, ids = binary.NativeEndian.Uint64(ids), ids[8:]
	}
	if count > uint64(len(ids))/8 {
		return corruptf("page %d: a free list of %d pages", id, count)
	}
	if err := p.take(id, uint64(len(one.raw))/p.size); err != nil {
		return err
	}
	for ids = ids[:count*8]; len(ids) > 0; ids = ids[8:] {
		free := binary.NativeEndian.Uint64(ids)
		if free >= p.high {
			return corruptf("page %d is free, and not in the file", free)
		}
		if err := p.take(free, 1); err != nil {
			return err
		}
	}
	return nil
}
