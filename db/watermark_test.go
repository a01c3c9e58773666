package db

import (
	"context"
	"log/slog"
	"path/filepath"
	"testing"
	"testing/synctest"

	"dnsbld/listing"
)

// A revision served first after the watermark was looked at is noted at the end,
// however soon that comes.
func TestKeepWatermarkNotesTheLast(t *testing.T) {
	file := filepath.Join(t.TempDir(), "listings.db")
	synctest.Test(t, func(t *testing.T) {
		ctx, end := context.WithCancel(t.Context())
		served, ended := listing.Revision(0), make(chan struct{})
		go func() {
			defer close(ended)
			KeepWatermark(ctx, file, func() listing.Revision { return served }, slog.New(slog.DiscardHandler))
		}()
		synctest.Wait()
		served = 7
		end()
		<-ended
		if got, err := Watermark(file); got != 7 || err != nil {
			t.Errorf("it says %d, %v", got, err)
		}
	})
}
