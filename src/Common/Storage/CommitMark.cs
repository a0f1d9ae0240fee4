using System.Buffers.Binary;
using System.Globalization;
using System.Runtime.InteropServices;
using System.Text;
using Microsoft.Win32.SafeHandles;

namespace Hive.Common.Storage;

/// <summary>How a database was left.</summary>
/// <param name="State">In words.</param>
/// <param name="First">The WAL's first salt, or the size of the closed file.</param>
/// <param name="Second">The WAL's second salt, or when the closed file was last changed, in ticks.</param>
/// <param name="Frames">The frame of the WAL with which the last commit ended.</param>
internal readonly record struct CommitNote(CommitState State, long First = 0, long Second = 0, long Frames = 0);

/// <summary>The state in which a database was left.</summary>
internal enum CommitState
{
    /// <summary>Nothing: there is no note, or it cannot be read.</summary>
    Unknown,

    /// <summary>It was open, and everything committed is in the database itself, or nothing is said of it.</summary>
    Open,

    /// <summary>It was open, and its last commit is in the WAL.</summary>
    InWal,

    /// <summary>It was closed, with everything in the database itself.</summary>
    Closed,
}

/// <summary>
/// Notes beside the database, in <c>hive.sqlite-commits</c>, how far it is committed. Without it a WAL that is gone or
/// damaged looks to SQLite like one that ended there, and the commits in it
/// are missing without a word (docs/adr/0095).
/// </summary>
/// <remarks>
/// The writer's alone. The note of a commit is written after the commit is on disk and is not flushed itself, so it
/// costs two short system calls; after a power cut it may be older than the
/// WAL, never newer.
/// </remarks>
internal sealed class CommitMark : IDisposable
{
    private const int Size = 64;

    // sqlite.org/walformat.html, section 2.1: the last valid frame, in the machine's byte order, and the salts as in
    // the WAL.
    private const int IndexBytes = 48;
    private const int LastFrameAt = 16;
    private const int SaltsAt = 32;
    private const uint IndexVersion = 3_007_000;

    private readonly string database;
    private readonly SafeFileHandle file;

    // Closed with the mark alone, when no connection is left: closing any descriptor of a file gives up all locks that
    // this process has on it (fcntl(2)), and SQLite's are on this one.
    private readonly List<SafeFileHandle> indexes = [];
    private SafeFileHandle? index;
    private CommitNote written;

    /// <summary>Opens the note, making it if need be; what it claims of the WAL stays until there is more to
    /// say.</summary>
    /// <param name="database">The path of the database.</param>
    /// <param name="keepClaim">False when commits in the WAL are given up.</param>
    public CommitMark(string database, bool keepClaim)
    {
        this.database = database;
        written = Read(database);
        file = File.OpenHandle(PathOf(database), FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.ReadWrite);
        if (!keepClaim || written.State != CommitState.InWal)
            Write(new CommitNote(CommitState.Open), flush: true);
    }

    /// <summary>What was noted of a database.</summary>
    public static CommitNote Read(string database)
    {
        try
        {
            var words = File.ReadAllText(PathOf(database), Encoding.ASCII)
                .Split([' ', '\n'], StringSplitOptions.RemoveEmptyEntries);
            return words switch
            {
                ["open"] => new CommitNote(CommitState.Open),
                ["wal", var salt1, var salt2, var frames] => new CommitNote(
                    CommitState.InWal,
                    Number(salt1),
                    Number(salt2),
                    Number(frames)
                ),
                ["closed", var size, var changed] => new CommitNote(CommitState.Closed, Number(size), Number(changed)),
                _ => default,
            };
        }
        catch (Exception e)
            when (e is FileNotFoundException or DirectoryNotFoundException or FormatException or OverflowException)
        {
            return default;
        }
    }

    /// <summary>What a closed database would be noted as, as it is now.</summary>
    public static CommitNote AsClosed(string database) =>
        new FileInfo(database) is { Exists: true } found
            ? new CommitNote(CommitState.Closed, found.Length, found.LastWriteTimeUtc.Ticks)
            : default;

    /// <summary>The writer is about to close its connection and open another, and SQLite may begin a WAL of another
    /// number.</summary>
    public void Reopening()
    {
        index = null;
        Write(new CommitNote(CommitState.Open), flush: true);
    }

    /// <summary>A commit is on disk.</summary>
    public void Committed()
    {
        // Made by the first statement of a connection; missing where the file system knows no shared memory and SQLite
        // keeps no WAL.
        if (index is null && File.Exists(database + "-shm"))
        {
            const FileShare Shared = FileShare.ReadWrite | FileShare.Delete;
            indexes.Add(index = File.OpenHandle(database + "-shm", FileMode.Open, FileAccess.Read, Shared));
        }

        Span<byte> header = stackalloc byte[IndexBytes];
        if (
            index is null
            || RandomAccess.Read(index, header, 0) < IndexBytes
            || MemoryMarshal.Read<uint>(header) != IndexVersion
        )
            return;
        var frames = MemoryMarshal.Read<uint>(header[LastFrameAt..]);
        var salt1 = BinaryPrimitives.ReadUInt32BigEndian(header[SaltsAt..]);
        var salt2 = BinaryPrimitives.ReadUInt32BigEndian(header[(SaltsAt + 4)..]);
        // Begun again and still empty: what was in it before is in the database.
        var note =
            frames == 0 ? new CommitNote(CommitState.Open) : new CommitNote(CommitState.InWal, salt1, salt2, frames);
        Write(note, flush: false);
    }

    /// <summary>Everything in the WAL is in the database too.</summary>
    public void Copied() => Write(new CommitNote(CommitState.Open), flush: false);

    /// <summary>The last connection is closed. Where SQLite could not bring everything into the database, the WAL is
    /// still there and so is the note of it.</summary>
    public void Closed()
    {
        if (!File.Exists(database + "-wal"))
            Write(AsClosed(database), flush: true);
    }

    public void Dispose()
    {
        indexes.ForEach(i => i.Dispose());
        file.Dispose();
    }

    private static string PathOf(string database) => database + "-commits";

    private static long Number(string word) => long.Parse(word, NumberStyles.None, CultureInfo.InvariantCulture);

    private void Write(CommitNote note, bool flush)
    {
        if (note == written && !flush)
            return;
        var text = note.State switch
        {
            CommitState.InWal => string.Create(
                CultureInfo.InvariantCulture,
                $"wal {note.First} {note.Second} {note.Frames}"
            ),
            CommitState.Closed => string.Create(CultureInfo.InvariantCulture, $"closed {note.First} {note.Second}"),
            _ => "open",
        };
        // Always as long, and in one sector of the disk: it is there whole or as it was.
        RandomAccess.Write(file, Encoding.ASCII.GetBytes(text.PadRight(Size - 1) + "\n"), 0);
        written = note;
        if (flush)
            RandomAccess.FlushToDisk(file);
    }
}
