package main

import (
	"bytes"
	"math/rand/v2"
	"testing"
)

func dice(seed uint64) *rand.Rand { return rand.New(rand.NewPCG(seed, 0)) }

// play is a program that makes a file of two sectors durable, changes both, and
// puts another file into its place.
func play() tape {
	old, changed := bytes.Repeat([]byte("a"), 2*sector), bytes.Repeat([]byte("b"), 2*sector)
	return tape{base: empty(), ops: []op{
		{kind: named, node: root, name: "list", child: 2},
		{kind: written, node: 2, data: old},
		{kind: synced, node: 2},
		{kind: synced, node: root}, // 4
		{kind: written, node: 2, data: changed},
		{kind: resized, node: 2, at: 3 * sector}, // 6
		{kind: named, node: root, name: "new", child: 3},
		{kind: written, node: 3, data: []byte("whole")},
		{kind: synced, node: 3},
		{kind: renamed, node: root, name: "new", to: "list", child: 3}, // 10
		{kind: synced, node: root},
	}}
}

func (i image) read(name string) string {
	number, there := i[root].names[name]
	if !there {
		return "-"
	}
	return string(i[number].data)
}

// Synced data are there whatever the disk does with the rest; a name is synced with
// its folder alone.
func TestSyncedIsThere(t *testing.T) {
	p := play()
	old := string(bytes.Repeat([]byte("a"), 2*sector))
	for s := range styles {
		for seed := range uint64(50) {
			f := fate{dice(seed), s}
			if got := p.cut(4, f).read("list"); got != old {
				t.Fatalf("%s, synced: %q", s, got)
			}
			if got := p.cut(11, f).read("list"); got != "whole" {
				t.Fatalf("%s, put in place: %q", s, got)
			}
			if got := p.cut(10, f).read("list"); got == "whole" && s == lost || got == "-" {
				t.Fatalf("%s, not yet put in place: %q", s, got)
			}
		}
	}
}

// Data that were not synced are there or not, sector by sector, as are names and sizes.
func TestUnsyncedIsUnknown(t *testing.T) {
	p := play()
	seen := map[string]bool{}
	for seed := range uint64(400) {
		f := fate{dice(seed), torn}
		got := p.cut(6, f).read("list")
		seen["size "+map[bool]string{true: "new", false: "old"}[len(got) == 3*sector]] = true
		seen[string([]byte{got[0], got[sector-1], got[sector], got[2*sector-1]})] = true
		first := p.cut(3, f).read("list")
		seen["name "+map[bool]string{true: "-", false: "there"}[first == "-"]] = true
		i := p.cut(10, f)
		seen["in place: "+i.read("list")[:1]+i.read("new")[:1]] = true
	}
	for _, want := range []string{"size new", "size old", "aaaa", "aabb", "bbaa", "bbbb", "name -", "name there", "in place: w-", "in place: a-"} {
		if !seen[want] {
			t.Errorf("never seen: %s", want)
		}
	}
	for got := range seen {
		if got == "abaa" || got == "abbb" {
			t.Errorf("a sector in part: %s", got)
		}
	}
}

// A sync does not make up for the one before it that failed.
func TestFailedSyncIsNotMadeUpFor(t *testing.T) {
	seen := map[byte]bool{}
	for seed := range int64(50) {
		p := tape{base: empty(), ops: []op{
			{kind: named, node: root, name: "list", child: 2}, {kind: synced, node: root},
			{kind: written, node: 2, data: []byte("a")}, {kind: synced, node: 2},
			{kind: written, node: 2, data: []byte("b")}, {kind: unsynced, node: 2, at: seed}, {kind: synced, node: 2},
		}}
		seen[p.cut(len(p.ops), fate{dice(1), lost}).read("list")[0]] = true
	}
	if !seen['a'] || !seen['b'] {
		t.Errorf("seen: %v", seen)
	}
}

// Cuts come at the rare places too.
func TestTurns(t *testing.T) {
	p := play()
	for range 5000 {
		p.ops = append(p.ops, op{kind: written, node: 3, data: []byte("x")})
	}
	before := 0
	for seed := range uint64(200) {
		if at, why := p.turn(2, dice(seed)); at < 2 || at > len(p.ops) || why == "" {
			t.Fatalf("at %d: %s", at, why)
		} else if at < 12 {
			before++
		}
	}
	if before < 40 {
		t.Errorf("%d of 200 are near what is done now and then", before)
	}
}
