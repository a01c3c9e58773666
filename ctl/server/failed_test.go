package server

import (
	"context"
	"testing"

	"dnsbld/listing"
)

// deadStore has failed.
type deadStore struct{ listing.Store }

func (deadStore) Status(context.Context) (listing.Status, error) {
	return listing.Status{Head: 7, Failed: "the disk is gone"}, nil
}

func (deadStore) View(context.Context, func(listing.Snapshot) error) error {
	return listing.ErrUnavailable
}

// The status of a daemon whose list has failed tells that, and all that does not lie in
// the list.
func TestStatusOfAFailedStore(t *testing.T) {
	h := newHouse(t, func(c *Config) {
		c.Book = listing.NewBook(deadStore{c.Book.Store()}, c.Live, c.Book.Rules(), c.Book.Now)
	})
	st, err := h.client(t).Status(t.Context())
	if err != nil || st.Store.Failed != "the disk is gone" || st.Revision != 7 || len(st.Zones) != 1 || st.Sources == nil {
		t.Errorf("%+v, %v", st, err)
	}
}
