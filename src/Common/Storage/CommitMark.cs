using System.Buffers.Binary;
using System.Globalization;
using System.Runtime.InteropServices;
using System.Text;
using Microsoft.Win32.SafeHandles;

namespace Hive.Common.Storage;

/// <summary>The state in which a database was left.</summary>
/// <param name="State">The kind of state.</param>
/// <param name="First">The WAL's first salt, or the size of the closed file.</param>
/// <param name="Second">The WAL's second salt, or when the closed file was last changed, in ticks.</param>
/// <param name="Frames">The last frame of the last commit in the WAL.</param>
internal readonly record struct CommitNote(CommitState State, long First = 0, long Second = 0, long Frames = 0);

/// <summary>The state in which a database was left.</summary>
internal enum CommitState
{
    /// <summary>Unknown: the note is missing or cannot be read.</summary>
    Unknown,

    /// <summary>The database was open, and either everything committed is in its own file or nothing is known of
    /// it.</summary>
    Open,

    /// <summary>The database was open, and its last commit is in the WAL.</summary>
    InWal,

    /// <summary>The database was closed, with everything in its own file.</summary>
    Closed,
}

/// <summary>
/// Records the last commit in <c>hive.sqlite-commits</c>, beside the database. Without that note SQLite takes a missing
/// or damaged WAL for one that ended early, and the commits in it are lost without an error (docs/adr/0095).
/// </summary>
/// <remarks>
/// Only the writer uses it. The note is written after the commit is on disk and is not flushed itself, so it costs two
/// short system calls; after a power cut it may be older than the WAL, never newer.
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

    // Closed only when no connection is left: closing any descriptor of a file releases all locks that this process
    // holds on it (fcntl(2)), and SQLite's locks are on this file.
    private readonly List<SafeFileHandle> indexes = [];
    private SafeFileHandle? index;
    private CommitNote written;

    /// <summary>Opens the note, and creates it when missing; its claim about the WAL stays until a newer one replaces
    /// it.</summary>
    /// <param name="database">The path of the database.</param>
    /// <param name="keepClaim">False to discard commits in the WAL.</param>
    public CommitMark(string database, bool keepClaim)
    {
        this.database = database;
        written = Read(database);
        file = File.OpenHandle(PathOf(database), FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.ReadWrite);
        if (!keepClaim || written.State != CommitState.InWal)
            Write(new CommitNote(CommitState.Open), flush: true);
    }

    /// <summary>The last commit's place in the WAL.</summary>
    public CommitNote Last { get; private set; }

    /// <summary>Reads the note of a database.</summary>
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

    /// <summary>The note that fits the database as it is now, if it is closed.</summary>
    public static CommitNote AsClosed(string database) =>
        new FileInfo(database) is { Exists: true } found
            ? new CommitNote(CommitState.Closed, found.Length, found.LastWriteTimeUtc.Ticks)
            : default;

    /// <summary>Records that the writer is about to reopen its connection, after which SQLite may begin another
    /// WAL.</summary>
    public void Reopening()
    {
        index = null;
        Write(new CommitNote(CommitState.Open), flush: true);
    }

    /// <summary>Records that a commit is on disk.</summary>
    public void Committed()
    {
        // The first statement of a connection creates it; it is missing where the file system has no shared memory and
        // SQLite keeps no WAL.
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
        // The WAL was restarted and is still empty: its former content is in the database.
        var note =
            frames == 0 ? new CommitNote(CommitState.Open) : new CommitNote(CommitState.InWal, salt1, salt2, frames);
        Last = note;
        Write(note, flush: false);
    }

    /// <summary>Records that everything in the WAL is in the database too.</summary>
    public void Copied() => Write(new CommitNote(CommitState.Open), flush: false);

    /// <summary>Records that the last connection is closed. Where SQLite could not checkpoint everything, the WAL still
    /// exists and so does its note.</summary>
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
        // Always of the same length and within one disk sector, so a write happens whole or not at all.
        RandomAccess.Write(file, Encoding.ASCII.GetBytes(text.PadRight(Size - 1) + "\n"), 0);
        written = note;
        if (flush)
            RandomAccess.FlushToDisk(file);
    }
}
