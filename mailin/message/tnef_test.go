package message

import (
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"testing"
	"unicode/utf16"

	"github.com/stretchr/testify/require"
)

func tnefAttribute(level byte, tag uint32, data []byte) []byte {
	b := append([]byte{level}, binary.LittleEndian.AppendUint32(nil, tag)...)
	b = binary.LittleEndian.AppendUint32(b, uint32(len(data)))
	b = append(b, data...)
	sum := uint16(0)
	for _, c := range data {
		sum += uint16(c)
	}
	return binary.LittleEndian.AppendUint16(b, sum)
}

func tnefHead() []byte {
	return binary.LittleEndian.AppendUint16(binary.LittleEndian.AppendUint32(nil, tnefSignature), 1)
}

// winmail is a TNEF stream as Outlook lays it out: attributes of the message first, a named property
// and ones of several types before those that count.
func winmail() []byte {
	b := tnefHead()
	b = append(b, tnefAttribute(1, 0x00089006, []byte{0, 0, 1, 0})...)    // version
	b = append(b, tnefAttribute(1, 0x00018004, []byte("Subject\x00"))...) // subject
	b = append(b, tnefAttribute(2, tnefRendering, make([]byte, 14))...)   // first file
	b = append(b, tnefAttribute(2, tnefTitle, []byte("REPORT~1.PDF\x00"))...)
	b = append(b, tnefAttribute(2, tnefData, []byte("%PDF-1.4"))...)
	u32 := func(v uint32) []byte { return binary.LittleEndian.AppendUint32(nil, v) }
	prop := func(kind, id uint16, value []byte) []byte {
		return append(binary.LittleEndian.AppendUint16(binary.LittleEndian.AppendUint16(nil, kind), id), value...)
	}
	text := func(s []byte) []byte {
		out := append(u32(1), u32(uint32(len(s)))...)
		out = append(out, s...)
		return append(out, make([]byte, -len(s)&3)...)
	}
	var long []byte
	for _, c := range utf16.Encode([]rune("Jahresbericht Büro.pdf\x00")) {
		long = binary.LittleEndian.AppendUint16(long, c)
	}
	named := append(make([]byte, 16), u32(0)...)
	named = append(append(named, u32(7)...), u32(42)...)
	props := u32(6)
	props = append(props, prop(0x03, 0x0e20, u32(8))...)
	props = append(props, prop(0x03, 0x8001, named)...)
	props = append(props, prop(0x1003, 0x1234, append(u32(2), append(u32(1), u32(2)...)...))...)
	props = append(props, prop(0x40, 0x3007, make([]byte, 8))...)
	props = append(props, prop(0x1f, propLongName, text(long))...)
	props = append(props, prop(0x1e, propMime, text([]byte("application/pdf\x00")))...)
	b = append(b, tnefAttribute(2, tnefProperties, props)...)
	b = append(b, tnefAttribute(2, tnefRendering, make([]byte, 14))...) // second file: short name only
	b = append(b, tnefAttribute(2, tnefTitle, []byte("..\\..\\notes.txt\x00"))...)
	return append(b, tnefAttribute(2, tnefData, []byte("notes"))...)
}

func withWinmail(b []byte) []byte {
	return fmt.Appendf(nil, "From: a@b.example\r\nSubject: x\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: text/plain\r\n\r\nSee the report.\r\n"+
		"--b\r\nContent-Type: application/ms-tnef; name=winmail.dat\r\nContent-Transfer-Encoding: base64\r\n\r\n%s\r\n--b--\r\n", base64.StdEncoding.EncodeToString(b))
}

func TestWinmailIsUnpacked(t *testing.T) {
	m, err := Parse(withWinmail(winmail()))
	require.NoError(t, err)
	require.Equal(t, "See the report.", m.Text)
	require.Len(t, m.Attachments, 3)
	require.Equal(t, "winmail.dat", m.Attachments[0].Name)
	require.True(t, m.Attachments[0].Inline, "only wrapping, once its files are named")
	require.Equal(t, "Jahresbericht Büro.pdf", m.Attachments[1].Name)
	require.Equal(t, "application/pdf", m.Attachments[1].Type)
	require.Equal(t, "%PDF-1.4", string(m.Attachments[1].Data))
	require.Equal(t, "notes.txt", m.Attachments[2].Name, "no path")
	require.Equal(t, "notes", string(m.Attachments[2].Data))
	require.Equal(t, []string{"winmail.dat (TNEF): Outlook's own form; 2 files were unpacked"}, m.Defects)
}

func TestDamagedWinmailIsNamed(t *testing.T) {
	whole := winmail()
	for cut := range whole {
		m, err := Parse(withWinmail(whole[:cut]))
		require.NoError(t, err)
		require.Equal(t, "winmail.dat", m.Attachments[0].Name, "cut at %d", cut)
		require.Len(t, m.Defects, 1)
		require.Equal(t, len(m.Attachments) > 1, m.Attachments[0].Inline)
	}
	m, err := Parse(withWinmail([]byte("this is no TNEF at all")))
	require.NoError(t, err)
	require.Contains(t, m.Defects[0], "cannot be unpacked")
	require.False(t, m.Attachments[0].Inline)
}

func FuzzTNEF(f *testing.F) {
	f.Add(winmail())
	f.Add(tnefHead())
	f.Add(winmail()[:100])
	f.Fuzz(func(t *testing.T, b []byte) {
		list, _ := tnefFiles(b)
		total := 0
		for _, p := range list {
			total += len(p.body)
		}
		if len(list) > MaxParts || total > len(b) {
			t.Fatalf("%d files of %d bytes out of %d bytes", len(list), total, len(b))
		}
	})
}
