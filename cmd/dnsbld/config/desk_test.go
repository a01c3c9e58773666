package config

import (
	"strings"
	"testing"
)

func TestDeskMistakes(t *testing.T) {
	for key, values := range map[string][]string{"page": {`"nowhere"`}, "mail": {`"desk"`, `"Desk <desk@bl.example>"`}, "probe": {`"a@b.example"`},
		"requests_per_week": {"0"}, "letters": {`"/nonexistent"`}} {
		for _, value := range values {
			if _, err := parse(t, "[desk]\n"+key+" = "+value+"\n"); err == nil || !strings.Contains(err.Error(), "desk."+key) {
				t.Errorf("%s = %s: %v", key, value, err)
			}
		}
	}
}
