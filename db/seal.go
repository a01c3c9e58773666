package db

import (
	"encoding/binary"
	"errors"
	"hash/crc32"
	"slices"

	bolt "go.etcd.io/bbolt"
)

// Values that answers are made of carry a checksum: each value of the buckets served,
// allows, sources, contents and evidence, and of the files of people and counters, ends in the CRC-32C of its key and of
// itself, four bytes, the highest first. A file system hands over a damaged page
// as it is, and bbolt has no sums of its own but of its meta pages; a bit that
// flipped in a block of hosts would list another address. Whatever reads such a
// value checks it first, start-up too.

const sealSize = 4

func checksum(key, value []byte) uint32 {
	table := crc32.MakeTable(crc32.Castagnoli) // the library makes it once
	return crc32.Update(crc32.Checksum(key, table), table, value)
}

// seal is a value with its checksum.
func seal(key, value []byte) []byte {
	return binary.BigEndian.AppendUint32(value[:len(value):len(value)], checksum(key, value))
}

// unseal is the value that seal got. It aliases what it is given.
func unseal(key, sealed []byte) ([]byte, error) {
	n := len(sealed) - sealSize
	if n < 0 || binary.BigEndian.Uint32(sealed[n:]) != checksum(key, sealed[:n]) {
		return nil, corruptf("the value at %x is not as it was written", key)
	}
	return sealed[:n], nil
}

// upgrade brings a file of an older layout to the present one, in one
// transaction. Version 1 had no checksums; before version 3 each entry of a source
// that is not an IPv4 host had a key of its own. What is written shorter since
// version 5 is read either way.
func upgrade(tx *bolt.Tx, version uint64) error {
	if version < readable {
		if err := repack(tx, version); err != nil {
			return err
		}
	}
	return tx.Bucket(metaBucket).Put(schemaKey, binary.AppendUvarint(nil, schema))
}

// repack brings the contents of sources to version 3.
func repack(tx *bolt.Tx, version uint64) error {
	for _, name := range [][]byte{servedBucket, allowsBucket, sourcesBucket, evidenceBucket} {
		if version >= 2 {
			break
		}
		if err := sealAll(tx.Bucket(name), nil); err != nil {
			return err
		}
	}
	all := tx.Bucket(contentsBucket)
	return all.ForEachBucket(func(name []byte) error {
		own := all.Bucket(name)
		hosts, wide := own.Bucket(hostsBucket), own.Bucket(wideBucket)
		if hosts == nil || wide == nil {
			return corruptf("source %s has no contents", name)
		}
		if version < 2 {
			if err := sealAll(hosts, nil); err != nil {
				return err
			}
		}
		return packNets(own, wide, version >= 2)
	})
}

// packNets puts the entries of a source that have a key each into blocks.
func packNets(own, wide *bolt.Bucket, sealed bool) error {
	nets, err := own.CreateBucket(netsBucket)
	if err != nil {
		return err
	}
	nets.FillPercent = appendFill
	var builder netBuilder
	write := func() error { return builder.flush(func(b put) error { return b.into(nets) }) }
	c := wide.Cursor()
	for k, v := c.First(); k != nil; k, v = c.Next() {
		if sealed {
			if v, err = unseal(k, v); err != nil {
				return err
			}
		}
		key, err := parseKey(k)
		if err != nil {
			return err
		}
		a, err := decodeAttrs(v)
		if err != nil {
			return err
		}
		builder.entries = append(builder.entries, netEntry{netKeyOf(key), a})
		if len(builder.entries) == 16*netsMost {
			if err := write(); err != nil {
				return err
			}
		}
	}
	return errors.Join(write(), own.DeleteBucket(wideBucket))
}

// sealAll seals the values of a bucket, some at a time: a cursor is not to be used
// where its bucket changes. What the sums are of begins with of, then the key. A value
// with a sum is damage of whatever said that there are none.
func sealAll(b *bolt.Bucket, of []byte) error {
	const atOnce = 4096
	for from := []byte(nil); ; {
		var puts []put
		c := b.Cursor()
		for k, v := c.Seek(from); k != nil && len(puts) < atOnce; k, v = c.Next() {
			if _, err := unseal(slices.Concat(of, k), v); err == nil {
				return corruptf("the value at %x has a checksum before there were any", k)
			}
			puts = append(puts, put{append([]byte(nil), k...), seal(slices.Concat(of, k), v)})
		}
		for _, p := range puts {
			if err := p.into(b); err != nil {
				return err
			}
		}
		if len(puts) < atOnce {
			return nil
		}
		from = append(puts[len(puts)-1].key, 0) // the next key that there can be
	}
}
