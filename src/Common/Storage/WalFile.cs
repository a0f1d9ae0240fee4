using System.Buffers.Binary;

namespace Hive.Common.Storage;

/// <summary>The part of a write-ahead log that SQLite would accept: its salts and its number of valid frames.
/// sqlite.org/fileformat2.html, section 4.</summary>
/// <param name="Salt1">Rises by one whenever the log is restarted.</param>
/// <param name="Salt2">Random for each restart.</param>
/// <param name="Frames">The number of valid frames from the beginning; SQLite ignores everything after them.</param>
internal readonly record struct WalFile(uint Salt1, uint Salt2, long Frames)
{
    private const int HeaderBytes = 32;
    private const int FrameHeaderBytes = 24;
    private const uint Magic = 0x377F_0682;
    private const uint FormatVersion = 3_007_000;

    /// <summary>Reads a log; null when it is missing or its header is invalid.</summary>
    /// <param name="path">The file.</param>
    /// <param name="enough">The most frames to count.</param>
    public static WalFile? Read(string path, long enough)
    {
        if (!File.Exists(path))
            return null;
        using var file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
        Span<byte> header = stackalloc byte[HeaderBytes];
        if (file.ReadAtLeast(header, HeaderBytes, throwOnEndOfStream: false) < HeaderBytes)
            return null;
        var magic = Word(header, 0);
        var pageSize = Word(header, 8);
        if (
            (magic & ~1u) != Magic
            || Word(header, 4) != FormatVersion
            || pageSize is < 512 or > 65536
            || !uint.IsPow2(pageSize)
        )
            return null;
        var isBigEndian = (magic & 1) == 1;
        var sum = Checksum(default, header[..24], isBigEndian);
        if (sum != (Word(header, 24), Word(header, 28)))
            return null;
        var found = new WalFile(Word(header, 16), Word(header, 20), 0);
        var frame = new byte[FrameHeaderBytes + pageSize];
        while (
            found.Frames < enough && file.ReadAtLeast(frame, frame.Length, throwOnEndOfStream: false) == frame.Length
        )
        {
            sum = Checksum(Checksum(sum, frame.AsSpan(0, 8), isBigEndian), frame.AsSpan(FrameHeaderBytes), isBigEndian);
            if (
                Word(frame, 0) == 0
                || (Word(frame, 8), Word(frame, 12)) != (found.Salt1, found.Salt2)
                || (Word(frame, 16), Word(frame, 20)) != sum
            )
                break;
            found = found with { Frames = found.Frames + 1 };
        }

        return found;
    }

    private static uint Word(ReadOnlySpan<byte> bytes, int at) => BinaryPrimitives.ReadUInt32BigEndian(bytes[at..]);

    private static (uint, uint) Checksum((uint A, uint B) sum, ReadOnlySpan<byte> bytes, bool isBigEndian)
    {
        var (a, b) = sum;
        for (; bytes.Length > 0; bytes = bytes[8..])
        {
            a +=
                (
                    isBigEndian
                        ? BinaryPrimitives.ReadUInt32BigEndian(bytes)
                        : BinaryPrimitives.ReadUInt32LittleEndian(bytes)
                ) + b;
            b +=
                (
                    isBigEndian
                        ? BinaryPrimitives.ReadUInt32BigEndian(bytes[4..])
                        : BinaryPrimitives.ReadUInt32LittleEndian(bytes[4..])
                ) + a;
        }

        return (a, b);
    }
}
