using System.Runtime.CompilerServices;
using System.Text;
using Hive.Protocol;

namespace Hive.Runtimes.Logs;

/// <summary>
/// What agents print, below <c>&lt;DataDir&gt;/logs</c>: the newest of it in <c>NAME.log</c>, what was before in
/// <c>NAME.log.1</c>, nothing older.
/// A pump beside each agent writes them and turns them over (see <see cref="AgentProcess"/>); it needs no host.
/// </summary>
internal sealed class ContainerLog(HivePaths paths, TimeProvider clock)
{
    /// <summary>From this size on a file is set aside; it may be passed by
    /// <see cref="AgentProcess.PumpedAtOnce"/>.</summary>
    public const long MaxBytes = 4 << 20;

    // Read at a time, from the end to the beginning.
    private const int Block = 256 << 10;

    private static readonly TimeSpan Settle = TimeSpan.FromMilliseconds(100);

    private string Folder => Path.Combine(paths.DataDir, "logs");

    /// <summary>The file an agent's output goes to.</summary>
    public string Open(string agent)
    {
        Directory.CreateDirectory(Folder);
        return PathOf(agent);
    }

    /// <summary>The newest lines, oldest first.</summary>
    public IReadOnlyList<string> Tail(string agent, int lines)
    {
        var (older, newer) = Both(agent);
        using (older)
        using (newer)
            return Lines(Newest(older, newer, lines), lines);
    }

    /// <summary>The newest lines, then what is added, as it is added. A reader that is more than two files behind
    /// misses what lay between.</summary>
    public async IAsyncEnumerable<IReadOnlyList<string>> Follow(
        string agent,
        int lines,
        [EnumeratorCancellation] CancellationToken ct
    )
    {
        Directory.CreateDirectory(Folder);
        using var changed = new SemaphoreSlim(0);
        using var watcher = new FileSystemWatcher(Folder, $"{agent}.log")
        {
            NotifyFilter = NotifyFilters.Size | NotifyFilters.FileName | NotifyFilters.LastWrite,
        };
        watcher.Changed += (_, _) => changed.Release();
        watcher.Created += (_, _) => changed.Release();
        watcher.Renamed += (_, _) => changed.Release();
        watcher.EnableRaisingEvents = true;

        var (older, file) = Both(agent);
        try
        {
            IReadOnlyList<string> first;
            using (older)
                first = Lines(Newest(older, file, lines), lines);
            yield return first;

            var buffer = new byte[LineText.MaxLine];
            var text = new LineText();
            while (true)
            {
                var read = file?.Read(buffer) ?? 0;
                if (read > 0)
                {
                    if (text.Add(buffer.AsSpan(0, read)) is { Length: > 0 } added)
                        yield return added;
                    continue;
                }

                // At its end. Nothing is added to a file that was set aside before the one in its place was begun.
                if (Next(agent, file) is { } next)
                {
                    file?.Dispose();
                    file = next;
                    continue;
                }

                await changed.WaitAsync(ct);
                // Lines come in bursts: one look for each is enough.
                await Task.Delay(Settle, clock, ct);
                while (changed.Wait(0, CancellationToken.None)) { }
            }
        }
        finally
        {
            file?.Dispose();
        }
    }

    /// <summary>Adds what an agent has printed where no pump wrote it.</summary>
    public void Keep(string agent, IReadOnlyList<string> lines)
    {
        if (lines.Count == 0)
            return;
        var file = new FileInfo(Open(agent));
        if (file is { Exists: true, Length: >= MaxBytes })
            file.MoveTo(Older(agent), overwrite: true);
        File.AppendAllLines(PathOf(agent), lines);
    }

    /// <summary>Removes what an agent printed.</summary>
    public void Remove(string agent)
    {
        // No agent may ever have run here.
        if (!Directory.Exists(Folder))
            return;
        File.Delete(PathOf(agent));
        File.Delete(Older(agent));
    }

    private string PathOf(string agent) => Path.Combine(Folder, $"{agent}.log");

    private string Older(string agent) => PathOf(agent) + ".1";

    // Both files, as they are at one moment.
    private (FileStream? Older, FileStream? Newer) Both(string agent)
    {
        while (true)
        {
            var newer = TryRead(PathOf(agent));
            var older = TryRead(Older(agent));
            if (newer is null || NameOf(newer) == Path.GetFileName(PathOf(agent)))
                return (older, newer);
            // Turned over between the two.
            newer.Dispose();
            older?.Dispose();
        }
    }

    // What to read after a file has been read to its end; null when that is still the newest.
    private FileStream? Next(string agent, FileStream? file)
    {
        var name = file is null ? null : NameOf(file);
        if (name == Path.GetFileName(PathOf(agent)))
            return null;
        // Set aside, it is followed by the newest; gone altogether, by the one that is set aside now.
        var next =
            file is not null && name != Path.GetFileName(Older(agent))
                ? TryRead(Older(agent)) ?? TryRead(PathOf(agent))
                : TryRead(PathOf(agent));
        if (next is null || file is null || file.Length == file.Position)
            return next;
        // Written to between the last read and the look at its name.
        next.Dispose();
        return null;
    }

    // The name an open file has now, whatever it was opened as. Without its folder, which may have been reached by a
    // link.
    private static string? NameOf(FileStream file) =>
        File.ResolveLinkTarget(
            $"/proc/self/fd/{file.SafeFileHandle.DangerousGetHandle()}",
            returnFinalTarget: false
        )?.Name;

    // The end of both files that holds so many lines, or all of them; what is kept is bounded. Leaves the newer one at
    // its end, so that reading can go on there.
    private static byte[] Newest(FileStream? older, FileStream? newer, int lines)
    {
        List<byte[]> blocks = [];
        var wanted = lines;
        foreach (var file in (FileStream?[])[newer, older])
        {
            var end = file?.Length ?? 0;
            for (var at = end; at > 0 && wanted >= 0; )
            {
                var block = new byte[(int)Math.Min(at, Block)];
                at -= block.Length;
                file!.Seek(at, SeekOrigin.Begin);
                file.ReadAtLeast(block, block.Length, throwOnEndOfStream: false);
                // One more than are asked for: the last line may have ended, and the first lacks its beginning.
                wanted -= block.AsSpan().Count((byte)'\n');
                blocks.Insert(0, block);
            }

            file?.Seek(end, SeekOrigin.Begin);
        }

        var bytes = new byte[blocks.Sum(b => b.Length)];
        var filled = 0;
        foreach (var block in blocks)
        {
            block.CopyTo(bytes, filled);
            filled += block.Length;
        }

        // Where it was cut, the first line most likely lacks its beginning.
        return wanted >= 0 ? bytes : bytes[(Array.IndexOf(bytes, (byte)'\n') + 1)..];
    }

    private static IReadOnlyList<string> Lines(byte[] bytes, int lines)
    {
        using var reader = new StreamReader(new MemoryStream(bytes), Encoding.UTF8);
        var all = new Queue<string>(lines + 1);
        while (reader.ReadLine() is { } line)
        {
            all.Enqueue(line);
            if (all.Count > lines)
                all.Dequeue();
        }

        return [.. all];
    }

    private static FileStream? TryRead(string path)
    {
        try
        {
            // Unbuffered: what lies in a buffer would not count as unread.
            return new FileStream(
                path,
                FileMode.Open,
                FileAccess.Read,
                FileShare.ReadWrite | FileShare.Delete,
                bufferSize: 0
            );
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            return null;
        }
    }
}
