package db

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/fnv"
	"os"
	"slices"

	"dnsbld/listing"

	bolt "go.etcd.io/bbolt"
)

// inspect looks at a file without changing it. It reports whether the file is
// yet to be filled, and fails unless it is that or a list this code can read.
func inspect(path string, o Options) (fresh bool, err error) {
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, os.ErrNotExist):
		return true, neverServed(path)
	case err != nil:
		return false, err
	case !info.Mode().IsRegular():
		return false, foreign("it is not a file")
	case info.Size() == 0:
		return true, neverServed(path)
	}
	b, file, err := openBolt(path, o, true)
	if err != nil {
		return false, err
	}
	err = guarded(func() error {
		if err := checkTree(file); err != nil {
			return err
		}
		return b.View(func(tx *bolt.Tx) error {
			if k, _ := tx.Cursor().First(); k == nil {
				fresh = true // its making was cut short
				return nil
			}
			return checkLayout(tx)
		})
	})
	return fresh, errors.Join(err, b.Close())
}

// neverServed refuses to make a new list where one was served: it is lost, and
// an empty one would delist all in silence.
func neverServed(path string) error {
	served, err := Watermark(path)
	if err == nil && served == 0 {
		return nil
	}
	return &listing.Error{Kind: listing.ErrCorrupt, Code: "list-lost", Message: fmt.Sprintf("the list is gone: revision %d of it was served, and the file is missing or empty", served),
		Hint: "restore a backup; to begin with an empty list all the same, remove " + watermarkPath(path)}
}

// checkLayout is what is looked at whenever a file is opened: that this code
// knows the layout, and that the end of the log is the head of the chain.
func checkLayout(tx *bolt.Tx) error {
	meta := tx.Bucket(metaBucket)
	if meta == nil {
		return foreign("it has no list in it")
	}
	version, n := binary.Uvarint(meta.Get(schemaKey))
	switch {
	case n <= 0:
		return foreign("it does not say which version it has")
	case version > schema:
		return &listing.Error{Kind: listing.ErrCorrupt, Code: "newer-schema",
			Message: fmt.Sprintf("it has version %d of the layout; this program knows versions up to %d", version, schema),
			Hint:    "a newer dnsbld wrote it: run that one, or restore a backup from before"}
	}
	for _, name := range allBuckets() {
		if tx.Bucket(name) == nil {
			return corruptf("bucket %s is missing", name)
		}
	}
	return checkHead(tx)
}

// checkHead looks whether the log ends where the head says.
func checkHead(tx *bolt.Tx) error {
	h, err := readHead(tx)
	if err != nil {
		return err
	}
	last, raw := tx.Bucket(logBucket).Cursor().Last()
	if last == nil {
		if h.chain != (listing.Digest{}) {
			return corruptf("the log is empty, the chain is not")
		}
		return nil
	}
	if r, _, ok := cutRevision(last); !ok || r > h.revision || len(raw) < len(h.chain) || h.chain != listing.Digest(raw[:len(h.chain)]) {
		return corruptf("the log does not end where the head says")
	}
	return nil
}

// foreign is the error about a file that is none of ours. It is never changed.
func foreign(what string) error {
	return &listing.Error{Kind: listing.ErrCorrupt, Code: "not-a-list", Message: "it is not a list of dnsbld: " + what,
		Hint: "check the path; nothing was changed"}
}

// The layout of bbolt's meta pages, as far as it is read: after a page header of 16 bytes come
// magic, version, page size, flags, root bucket (two numbers), freelist, high
// water mark, transaction and the FNV-1a sum of these.
const (
	boltMagic    = 0xED0CDAED
	pageHeader   = 16
	metaPageSize = 8
	metaHigh     = 40
	metaTx       = 48
	metaSum      = 56
	metaLen      = 64
)

// checkPages refuses a file that is not of bbolt, or shorter than it says.
func checkPages(f *os.File) error {
	info, err := f.Stat()
	if err != nil {
		return err
	}
	size := info.Size()
	if size == 0 {
		return nil
	}
	newest, need := uint64(0), int64(0)
	for _, at := range metaOffsets() {
		meta, ok := metaAt(f, at)
		if !ok {
			continue
		}
		if tx := binary.NativeEndian.Uint64(meta[metaTx:]); tx >= newest {
			newest, need = tx, int64(binary.NativeEndian.Uint64(meta[metaHigh:]))*int64(binary.NativeEndian.Uint32(meta[metaPageSize:]))
		}
	}
	switch {
	case need == 0:
		return foreign("it has no valid head")
	case size < need:
		return corruptf("the file has %d bytes of %d: it was cut short", size, need)
	}
	return nil
}

// metaAt is the meta page at an offset, if a sound one is there.
func metaAt(f *os.File, at int64) (meta []byte, ok bool) {
	page := make([]byte, pageHeader+metaLen)
	if _, err := f.ReadAt(page, at); err != nil {
		return nil, false
	}
	meta, ok = metaIn(page)
	return meta, ok && (at == 0 || at == int64(binary.NativeEndian.Uint32(meta[metaPageSize:])))
}

// metaIn is the meta page that a page begins with, if it is sound.
func metaIn(page []byte) (meta []byte, ok bool) {
	meta = page[pageHeader:]
	sum := fnv.New64a()
	sum.Write(meta[:metaSum])
	return meta, binary.NativeEndian.Uint32(meta) == boltMagic && sum.Sum64() == binary.NativeEndian.Uint64(meta[metaSum:])
}

// heads reports whether one of the two meta pages of a file is sound. It fails where
// the disk cannot read one of them: bbolt looks at both.
func heads(f *os.File) (sound bool, err error) {
	var page [pageHeader + metaLen]byte
	if _, err := f.ReadAt(page[:], 0); err != nil {
		return false, fmt.Errorf("reading the head of the file: %w", err)
	}
	if meta, ok := metaIn(page[:]); ok {
		if _, err := f.ReadAt(page[:], int64(binary.NativeEndian.Uint32(meta[metaPageSize:]))); err != nil {
			return false, fmt.Errorf("reading the second head of the file: %w", err)
		}
		return true, nil
	}
	return slices.ContainsFunc(metaOffsets()[1:], func(at int64) bool { _, ok := metaAt(f, at); return ok }), nil
}

// doubtful says why a file may lack the last change: it has two heads, of the last
// commit and of the one before, and falls back to that where the newer is damaged. A
// crash while a head was written leaves such a file too, and has lost nothing that
// was acknowledged: only a person can tell.
func doubtful(f *os.File) string {
	at := metaOffsets()
	for _, second := range at[1:] {
		if _, ok := metaAt(f, second); ok {
			if _, ok := metaAt(f, at[0]); ok {
				return ""
			}
		}
	}
	return "one of its two heads is damaged: after a crash this is harmless, else the last change before the start may be missing"
}

// metaOffsets are where a meta page may begin: at the start, and after a first
// page of any size.
func metaOffsets() []int64 {
	offsets := []int64{0}
	for size := int64(1 << 10); size <= 1<<24; size <<= 1 {
		offsets = append(offsets, size)
	}
	return offsets
}
