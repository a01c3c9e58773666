package db

import (
	"context"

	bolt "go.etcd.io/bbolt"
)

// copier copies all buckets of a file into an empty one, whatever they are, a little
// in each transaction: each is synced, so that those who commit elsewhere meanwhile
// need not wait for all of it. bolt.Compact does the same, but commits its last
// transaction when the one that it reads in has ended: of a file that others write
// to, the pages that it refers to may be others by then.
type copier struct {
	ctx  context.Context
	to   *bolt.DB
	tx   *bolt.Tx
	size int // of what is not yet committed
}

const (
	copyAtOnce = 1 << 20
	copyFill   = 0.9 // of a page: later changes find room
)

// copyAll copies what a transaction sees.
func copyAll(ctx context.Context, from *bolt.Tx, to *bolt.DB) (err error) {
	c := &copier{ctx: ctx, to: to}
	if c.tx, err = to.Begin(true); err != nil {
		return err
	}
	defer func() { _ = c.tx.Rollback() }() // after Commit it does nothing
	err = from.ForEach(func(name []byte, b *bolt.Bucket) error { return c.bucket([][]byte{name}, b) })
	if err != nil {
		return err
	}
	return c.tx.Commit()
}

// bucket copies one bucket to where a path leads.
func (c *copier) bucket(path [][]byte, from *bolt.Bucket) error {
	to, err := c.at(path)
	if err != nil {
		return err
	}
	return from.ForEach(func(k, v []byte) error {
		if v == nil {
			if err := c.bucket(append(path[:len(path):len(path)], k), from.Bucket(k)); err != nil {
				return err
			}
			to, err = c.at(path)
			return err
		}
		if c.size += len(k) + len(v); c.size > copyAtOnce {
			if err := c.next(); err != nil {
				return err
			}
			if to, err = c.at(path); err != nil {
				return err
			}
		}
		return to.Put(k, v)
	})
}

// at is the bucket to which a path leads.
func (c *copier) at(path [][]byte) (b *bolt.Bucket, err error) {
	b, err = c.tx.CreateBucketIfNotExists(path[0])
	for _, name := range path[1:] {
		if err == nil {
			b, err = b.CreateBucketIfNotExists(name)
		}
	}
	if err == nil {
		b.FillPercent = copyFill
	}
	return b, err
}

// next commits what there is and goes on in another transaction.
func (c *copier) next() error {
	c.size = 0
	if err := c.ctx.Err(); err != nil {
		return err
	}
	if err := c.tx.Commit(); err != nil {
		return err
	}
	tx, err := c.to.Begin(true)
	if err == nil {
		c.tx = tx
	}
	return err
}
