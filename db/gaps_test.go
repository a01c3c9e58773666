package db

import (
	"encoding/binary"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// Deltas of IPv4 hosts are read as they were written, in any order, and take an octet a
// host where there are many.
func TestGaps(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		step := rapid.SampledFrom([]uint32{1, 3, 200, 70_000}).Draw(rt, "step")
		values := rapid.SampledFrom([]uint32{1, 2, 300}).Draw(rt, "values")
		gaps := rapid.SliceOfN(rapid.Uint32Range(0, step), 1, 1000).Draw(rt, "gaps")
		b := tableBuilder[uint32]{}
		var lows, ids []uint32
		for n, low := 0, uint32(0); n < len(gaps) && low+gaps[n] < 1<<24; n++ {
			low += gaps[n]
			b.add(low, uint32(n)%values)
			lows, ids = append(lows, low), append(ids, uint32(n)%values)
		}
		raw := b.encodeGaps(func(_ *before, b []byte, v *uint32) []byte { return binary.AppendUvarint(b, uint64(*v)) })
		got, err := openGaps(raw)
		if err != nil || got.len() != len(lows) {
			rt.Fatalf("%d of %d items, %v", got.len(), len(lows), err)
		}
		dict, err := readDict(&got.table, nil, func(r *reader) uint32 { return uint32(r.uvarint()) })
		if err != nil {
			rt.Fatal(err)
		}
		is := func(n int) {
			if low, id := got.at(n); low != lows[n] || dict[id] != ids[n] {
				rt.Fatalf("item %d is %d, %d; want %d, %d", n, low, id, lows[n], ids[n])
			}
		}
		for n := range lows {
			is(n)
		}
		for range 20 {
			is(rapid.IntRange(0, len(lows)-1).Draw(rt, "at"))
			low := lows[rapid.IntRange(0, len(lows)-1).Draw(rt, "near")] + rapid.Uint32Range(0, 1).Draw(rt, "beside")
			from, _ := slices.BinarySearch(lows, low)
			to, _ := slices.BinarySearch(lows, low+1)
			if a, z := got.find(low); a != from || z != to {
				rt.Fatalf("%d is at %d to %d, want %d to %d", low, a, z, from, to)
			}
		}
		if most := 32 + 2*len(dict) + (2+width(len(dict)))*len(lows) + 7*(len(lows)/gapsEvery+1); step <= 200 && len(raw) > most {
			rt.Fatalf("%d octets for %d hosts", len(raw), len(lows))
		}
	})
}

// Damaged items have no value and are found nowhere.
func TestGapsDamaged(t *testing.T) {
	b := tableBuilder[uint32]{}
	for n := range uint32(600) {
		b.add(100*n, 0)
	}
	raw := b.encodeGaps(func(_ *before, b []byte, v *uint32) []byte { return append(b, byte(*v)) })
	for cut := 1; cut < 30; cut++ {
		if got, err := openGaps(raw[:cut]); err == nil {
			t.Errorf("%d octets are %d items", cut, got.len())
		}
	}
	got, err := openGaps(append(raw[:len(raw)-300:len(raw)-300], slices.Repeat([]byte{0xff}, 300)...))
	if err != nil {
		t.Fatal(err)
	}
	if low, id := got.at(0); low != 0 || id != 0 {
		t.Errorf("the first is %d, %d", low, id)
	}
	if _, id := got.at(599); id != noValue {
		t.Errorf("the last has value %d", id)
	}
	if from, to := got.find(100 * 599); to > from {
		t.Errorf("found at %d to %d", from, to)
	}
}
