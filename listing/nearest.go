package listing

import "strings"

// Nearest is the known word that was most likely meant by one that is not known;
// empty if none is near. Near is a word with few letters other, too many, missing
// or swapped (a third of them at most), else one that begins with what was
// written or has it as a part. Case counts no more than a hyphen in place of an
// underscore or a space.
func Nearest(word string, known []string) string {
	word = alike(word)
	best, least := "", max(len(word)/3, 1)+1
	if len(word) < 2 {
		return ""
	}
	for _, k := range known {
		if d := distance(word, alike(k)); d < least {
			best, least = k, d
		}
	}
	const part = 3 // letters that say something
	if best == "" && len(word) >= part {
		for _, k := range known {
			if at := strings.Index(alike(k), word); at == 0 || at > 0 && best == "" {
				best = k
			}
		}
	}
	return best
}

// DidYouMean begins a hint with the known word that is near; empty if none is.
func DidYouMean[S ~string](word string, known []S) string {
	words := make([]string, len(known))
	for n, k := range known {
		words[n] = string(k)
	}
	if like := Nearest(word, words); like != "" {
		return "did you mean " + like + "? Else "
	}
	return ""
}

func alike(word string) string {
	return strings.NewReplacer("_", "-", " ", "-").Replace(strings.ToLower(word))
}

// distance is how many letters must be changed, added, taken out or swapped with
// their neighbour to make b of a (optimal string alignment).
func distance(a, b string) int {
	if len(a) > 100 || len(b) > 100 { // nothing that was typed
		return len(a) + len(b)
	}
	before, last := make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range last {
		last[j] = j
	}
	for i := range len(a) {
		row := make([]int, len(b)+1)
		row[0] = i + 1
		for j := range len(b) {
			cost := 1
			if a[i] == b[j] {
				cost = 0
			}
			row[j+1] = min(row[j]+1, last[j+1]+1, last[j]+cost)
			if i > 0 && j > 0 && a[i] == b[j-1] && a[i-1] == b[j] {
				row[j+1] = min(row[j+1], before[j-1]+1)
			}
		}
		before, last = last, row
	}
	return last[len(b)]
}
