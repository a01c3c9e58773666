package main

import (
	"os"
	"regexp"
	"strings"
	"testing"
)

// Every command of docs/feeds.md is run by the script of the same name.
func TestFeedsPage(t *testing.T) {
	page, err := os.ReadFile("../../docs/feeds.md")
	if err != nil {
		t.Fatal(err)
	}
	script, err := os.ReadFile("testdata/script/feeds.txtar")
	if err != nil {
		t.Fatal(err)
	}
	commands := regexp.MustCompile(`(?m)^\s*(blctl import - .+?)( < FILE)?$`).FindAllStringSubmatch(string(page), -1)
	if len(commands) < 12 {
		t.Errorf("%d commands", len(commands))
	}
	for _, c := range commands {
		if !strings.Contains(string(script), " "+c[1]+"\n") {
			t.Errorf("nothing runs %s", c[1])
		}
	}
}
