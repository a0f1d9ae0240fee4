using System.Formats.Tar;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Hive.Common.Backups;
using Hive.Common.Errors;
using Hive.Protocol;

namespace Hive.Features.Backups;

/// <summary>A member of a backup.</summary>
/// <param name="Path">Its path in the archive: names separated by slashes.</param>
/// <param name="Bytes">Its size.</param>
/// <param name="Sha256">The hash of its content, in lower-case hexadecimal digits.</param>
/// <param name="Mode">The permissions of an agent's file, as chmod(2) numbers them; null for other files, which only
/// their owner may read and write.</param>
internal sealed record BackupMember(string Path, long Bytes, string Sha256, int? Mode = null);

/// <summary>The first member of a backup, <c>backup.json</c>.</summary>
/// <param name="Format">The version of the archive's form.</param>
/// <param name="HiveVersion">The version of the Hive that made it.</param>
/// <param name="MadeAt">When it was made.</param>
/// <param name="Members">All other members, in their order.</param>
internal sealed record BackupManifest(
    int Format,
    string HiveVersion,
    DateTimeOffset MadeAt,
    IReadOnlyList<BackupMember> Members
);

/// <summary>
/// Writes and reads the tar archive of a backup: <c>backup.json</c> with the size and the hash of every other member,
/// the members in that order, and <c>backup.sha256</c> with the hash of <c>backup.json</c>. So nothing can be cut,
/// altered, added or exchanged without being noticed.
/// </summary>
internal static class BackupFile
{
    /// <summary>The first member.</summary>
    public const string ManifestName = "backup.json";

    /// <summary>The archive's form that this Hive writes and reads.</summary>
    public const int Format = 2;

    private const string LastName = "backup.sha256";

    // About 200 bytes for each of a million members.
    private const int MaxManifestBytes = 256 << 20;

    private const UnixFileMode Permissions = (UnixFileMode)0x1FF;

    private const UnixFileMode Private = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    /// <summary>Describes the files below a folder.</summary>
    public static async Task<BackupManifest> Describe(string folder, DateTimeOffset now, CancellationToken ct)
    {
        List<BackupMember> members = [];
        var files = Directory.EnumerateFiles(folder, "*", SearchOption.AllDirectories);
        foreach (var path in files.Select(f => Path.GetRelativePath(folder, f)).Order(StringComparer.Ordinal))
        {
            await using var file = File.OpenRead(Path.Combine(folder, path));
            var hash = await SHA256.HashDataAsync(file, ct);
            var mode = MemberPath.IsOfAgents(path)
                ? (int)(File.GetUnixFileMode(file.SafeFileHandle) & Permissions)
                : (int?)null;
            members.Add(new BackupMember(path, file.Length, Convert.ToHexStringLower(hash), mode));
        }

        return new BackupManifest(Format, HiveVersion.Text, now, members);
    }

    /// <summary>Writes the archive.</summary>
    public static async Task Write(string folder, BackupManifest manifest, Stream output, CancellationToken ct)
    {
        var first = JsonSerializer.SerializeToUtf8Bytes(manifest, WireJson.Options);
        await using var tar = new TarWriter(output, TarEntryFormat.Pax, leaveOpen: true);
        await Add(ManifestName, new MemoryStream(first));
        foreach (var member in manifest.Members)
            await Add(member.Path, File.OpenRead(Path.Combine(folder, member.Path)));
        await Add(LastName, new MemoryStream(Encoding.ASCII.GetBytes(HashOf(first) + "\n")));

        async Task Add(string name, Stream content)
        {
            await using (content)
            {
                var entry = new PaxTarEntry(TarEntryType.RegularFile, name)
                {
                    Mode = Private,
                    ModificationTime = manifest.MadeAt,
                    DataStream = content,
                };
                await tar.WriteEntryAsync(entry, ct);
            }
        }
    }

    /// <summary>Unpacks an archive, and verifies everything in it.</summary>
    /// <param name="file">The archive.</param>
    /// <param name="into">An empty folder.</param>
    /// <param name="ct">Cancels.</param>
    /// <exception cref="Problem">The archive is cut, altered, of a newer Hive or not a backup, or the disk is full; the
    /// message says which. Files may be left in the folder.</exception>
    public static async Task<BackupManifest> Unpack(string file, string into, CancellationToken ct)
    {
        await using var archive = Open(file);
        await using var tar = new TarReader(archive);
        var (manifest, hash) = await First(tar, archive, ct);
        MustHaveRoom(manifest, into);
        foreach (var member in manifest.Members)
        {
            var entry = await Next(tar, archive, member.Path, ct);
            if (entry.Length != member.Bytes)
                throw Damaged($"{member.Path} has {entry.Length} bytes instead of {member.Bytes}");
            if (await Extract(entry, Path.Combine(into, member.Path), ct) != member.Sha256)
                throw Damaged($"the content of {member.Path} was changed");
            if (member.Mode is { } mode && MemberPath.IsOfAgents(member.Path))
                File.SetUnixFileMode(Path.Combine(into, member.Path), (UnixFileMode)mode & Permissions);
        }

        var last = await Next(tar, archive, LastName, ct);
        if (last.Length > 100 || Encoding.ASCII.GetString(await Content(last, ct)).TrimEnd('\n') != hash)
            throw Damaged($"{ManifestName} was changed");
        if (await NextEntry(tar, archive, ct) is { } more)
            throw Damaged($"it holds {VisibleText.OneLine(more.Name)} after its end");
        return manifest;
    }

    private static Archive Open(string file)
    {
        try
        {
            var found = new FileInfo(file);
            // A pipe waits for a writer, and a device never ends; both are without a length.
            if (((FileInfo?)found.ResolveLinkTarget(returnFinalTarget: true) ?? found) is { Exists: true, Length: 0 })
                throw NotBackup("it is empty, or is not a plain file");
            return new Archive(file);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw Problem.NotFound($"the backup cannot be read: {e.Message}");
        }
    }

    private static async Task<(BackupManifest Manifest, string Hash)> First(
        TarReader tar,
        Archive archive,
        CancellationToken ct
    )
    {
        var length = archive.Length;
        var entry = await Next(tar, archive, ManifestName, ct);
        if (entry.Length is < 1 or > MaxManifestBytes || entry.Length > length)
            throw NotBackup($"its {ManifestName} has {entry.Length} bytes");
        var bytes = await Content(entry, ct);
        BackupManifest? manifest;
        try
        {
            using var document = JsonDocument.Parse(bytes);
            var format = document.RootElement.GetProperty("format").GetInt32();
            if (format > Format)
                throw Problem.Invalid(
                    $"the backup was made by a newer Hive ({document.RootElement.GetProperty("hive_version")}); "
                        + "restore it with that Hive"
                );
            if (format < Format)
                throw NotBackup($"its format {format} has no checksums; unpack it by hand (docs/backups.md)");
            manifest = document.Deserialize<BackupManifest>(WireJson.Options);
        }
        catch (Exception e)
            when (e is JsonException or InvalidOperationException or KeyNotFoundException or FormatException)
        {
            throw Damaged($"its {ManifestName} cannot be read ({e.Message})");
        }

        if (manifest is not { Members: { } members } || members.Any(m => m is not { Path: not null, Sha256: not null }))
            throw Damaged($"its {ManifestName} is incomplete");
        MustBePlain(members);
        var sum = members.Aggregate(0m, (all, m) => all + m.Bytes);
        if (sum > length || members.Any(m => m.Bytes < 0))
            throw Damaged($"its members take {sum} bytes, but the file has {length}");
        return (manifest, HashOf(bytes));
    }

    // A name is only ever used below an empty folder of the host's own.
    private static void MustBePlain(IReadOnlyList<BackupMember> members)
    {
        HashSet<string> known = new(StringComparer.Ordinal);
        foreach (var path in members.Select(m => m.Path))
        {
            if (!MemberPath.IsPlain(path))
                throw Damaged($"it names a file outside of itself: {VisibleText.OneLine(path)}");
            if (!known.Add(path) || path is ManifestName or LastName)
                throw Damaged($"it holds {VisibleText.OneLine(path)} twice");
        }
    }

    private static void MustHaveRoom(BackupManifest manifest, string into)
    {
        var needed = manifest.Members.Sum(m => m.Bytes);
        var free = new DriveInfo(into).AvailableFreeSpace;
        if (needed > free)
            throw Problem.Unavailable(
                $"the backup holds {needed >> 20} MiB, but {free >> 20} MiB are free at {into}; make room"
            );
    }

    private static async Task<TarEntry?> NextEntry(TarReader tar, Archive archive, CancellationToken ct)
    {
        archive.IsInHeader = true;
        var entry = await Read(() => tar.GetNextEntryAsync(copyData: false, ct).AsTask());
        archive.IsInHeader = false;
        return entry;
    }

    private static async Task<TarEntry> Next(TarReader tar, Archive archive, string name, CancellationToken ct)
    {
        var entry = await NextEntry(tar, archive, ct);
        if (entry is null)
            throw name == ManifestName ? NotBackup("it is empty") : Damaged($"it ends before {name}");
        if (entry.Name != name)
            throw name == ManifestName
                ? NotBackup($"it does not begin with {ManifestName}")
                : Damaged($"it holds {VisibleText.OneLine(entry.Name)} instead of {name}");
        return entry.EntryType is TarEntryType.RegularFile or TarEntryType.V7RegularFile
            ? entry
            : throw Damaged($"{name} is not a regular file");
    }

    private static async Task<byte[]> Content(TarEntry entry, CancellationToken ct)
    {
        var bytes = new byte[entry.Length];
        if (entry.DataStream is { } data)
            await Read(async () =>
            {
                await data.ReadExactlyAsync(bytes, ct);
                return true;
            });
        return bytes;
    }

    private static async Task<string> Extract(TarEntry entry, string path, CancellationToken ct)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        try
        {
            Directory.CreateDirectory(Path.GetDirectoryName(path)!);
            await using var output = new FileStream(
                path,
                new FileStreamOptions
                {
                    Mode = FileMode.CreateNew,
                    Access = FileAccess.Write,
                    UnixCreateMode = Private,
                }
            );
            var buffer = new byte[81920];
            while (
                entry.DataStream is { } data
                && await Read(() => data.ReadAsync(buffer, ct).AsTask()) is > 0 and var read
            )
            {
                hash.AppendData(buffer, 0, read);
                await output.WriteAsync(buffer.AsMemory(0, read), ct);
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw Problem.Unavailable($"the backup cannot be unpacked: {e.Message}; make room and try again", e);
        }

        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }

    // The library throws many kinds of exceptions for a damaged archive.
    private static async Task<T> Read<T>(Func<Task<T>> read)
    {
        try
        {
            return await read();
        }
        catch (Exception e) when (e is not OperationCanceledException)
        {
            throw Damaged(e.Message, e);
        }
    }

    private static string HashOf(byte[] bytes) => Convert.ToHexStringLower(SHA256.HashData(bytes));

    private static Problem Damaged(string how, Exception? cause = null) =>
        Problem.Invalid($"the backup is cut or damaged: {how.TrimEnd('.')}; use another backup", cause);

    private static Problem NotBackup(string why) => Problem.Invalid($"the file is not a backup of Hive: {why}");

    /// <summary>A file whose headers are bounded: the library reads a name into memory, however long the archive says
    /// that it is.</summary>
    private sealed class Archive(string file) : FileStream(file, FileMode.Open, FileAccess.Read, FileShare.Read)
    {
        // Names of a backup have at most 3000 characters (MemberPath).
        private const int MaxHeaderBytes = 64 << 10;

        public bool IsInHeader { get; set; }

        public override int Read(Span<byte> buffer)
        {
            MustBeShort(buffer.Length);
            return base.Read(buffer);
        }

        public override int Read(byte[] buffer, int offset, int count)
        {
            MustBeShort(count);
            return base.Read(buffer, offset, count);
        }

        public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
        {
            MustBeShort(buffer.Length);
            return base.ReadAsync(buffer, cancellationToken);
        }

        private void MustBeShort(int bytes)
        {
            if (IsInHeader && bytes > MaxHeaderBytes)
                throw new InvalidDataException($"a name in it has over {MaxHeaderBytes} bytes");
        }
    }
}
