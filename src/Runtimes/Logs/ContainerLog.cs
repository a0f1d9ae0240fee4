using System.Runtime.CompilerServices;
using System.Text;
using Hive.Protocol;

namespace Hive.Runtimes.Logs;

/// <summary>
/// Reads the output of agents below <c>&lt;DataDir&gt;/logs</c>: <c>NAME.log</c> and, older, <c>NAME.log.1</c>. A pump
/// beside each agent writes and rotates these files (see AgentProcess), without the host.
/// </summary>
internal sealed class ContainerLog(HivePaths paths, TimeProvider clock)
{
    /// <summary>A file of this size is rotated; it may grow larger by the bytes that the pump copies at once
    /// (AgentProcess.PumpedAtOnce).</summary>
    public const long MaxBytes = 4 << 20;

    // The bytes read at a time, from the end to the beginning.
    private const int Block = 256 << 10;

    private static readonly TimeSpan Settle = TimeSpan.FromMilliseconds(100);

    private string Folder => Path.Combine(paths.DataDir, "logs");

    /// <summary>The path of the file that receives an agent's output; creates its folder.</summary>
    public string Open(string agent)
    {
        Directory.CreateDirectory(Folder);
        return PathOf(agent);
    }

    /// <summary>Reads the newest lines, oldest first.</summary>
    public IReadOnlyList<string> Tail(string agent, int lines)
    {
        var (older, newer) = Both(agent);
        using (older)
        using (newer)
            return Lines(Newest(older, newer, lines), lines);
    }

    /// <summary>Reads the newest lines, then every line that is added. A reader that is more than two files behind
    /// misses the lines between.</summary>
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
                    // An agent that floods its log must not keep the host busy with it.
                    if (read == buffer.Length)
                        await Task.Delay(Settle, clock, ct);
                    continue;
                }

                // At the end of the file. A rotated file gets no more lines once the next one exists.
                if (Next(agent, file) is { } next)
                {
                    file?.Dispose();
                    file = next;
                    continue;
                }

                await changed.WaitAsync(ct);
                // Lines come in bursts; one read for each burst is enough.
                await Task.Delay(Settle, clock, ct);
                while (changed.Wait(0, CancellationToken.None)) { }
            }
        }
        finally
        {
            file?.Dispose();
        }
    }

    /// <summary>Appends output of an agent that no pump has written.</summary>
    public void Keep(string agent, IReadOnlyList<string> lines)
    {
        if (lines.Count == 0)
            return;
        var file = new FileInfo(Open(agent));
        if (file is { Exists: true, Length: >= MaxBytes })
            file.MoveTo(Older(agent), overwrite: true);
        File.AppendAllLines(PathOf(agent), lines);
    }

    /// <summary>Removes an agent's log.</summary>
    public void Remove(string agent)
    {
        // Without the folder, because no agent has run here, Delete would throw.
        if (!Directory.Exists(Folder))
            return;
        File.Delete(PathOf(agent));
        File.Delete(Older(agent));
    }

    private string PathOf(string agent) => Path.Combine(Folder, $"{agent}.log");

    private string Older(string agent) => PathOf(agent) + ".1";

    // Opens both files in the state of one moment.
    private (FileStream? Older, FileStream? Newer) Both(string agent)
    {
        while (true)
        {
            var newer = TryRead(PathOf(agent));
            var older = TryRead(Older(agent));
            if (newer is null || NameOf(newer) == Path.GetFileName(PathOf(agent)))
                return (older, newer);
            // Rotated between the two.
            newer.Dispose();
            older?.Dispose();
        }
    }

    // The file to read after the end of this one; null while it is the newest.
    private FileStream? Next(string agent, FileStream? file)
    {
        var name = file is null ? null : NameOf(file);
        if (name == Path.GetFileName(PathOf(agent)))
            return null;
        // A rotated file is followed by the newest; a removed one by the rotated file.
        var next =
            file is not null && name != Path.GetFileName(Older(agent))
                ? TryRead(Older(agent)) ?? TryRead(PathOf(agent))
                : TryRead(PathOf(agent));
        if (next is null || file is null || file.Length == file.Position)
            return next;
        // The old file was written to after the last read.
        next.Dispose();
        return null;
    }

    // The current name of an open file. Without its folder, which may have been reached by a link.
    private static string? NameOf(FileStream file) =>
        File.ResolveLinkTarget(
            $"/proc/self/fd/{file.SafeFileHandle.DangerousGetHandle()}",
            returnFinalTarget: false
        )?.Name;

    // The end of both files that contains that many lines, or all of them; the size of the files bounds it. Leaves the
    // newer one at its end, so that reading can continue there.
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
                // One more than asked for, because the last line may have ended and the first lacks its beginning.
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

        // After a cut, the first line most likely lacks its beginning.
        return wanted >= 0 ? bytes : bytes[(Array.IndexOf(bytes, (byte)'\n') + 1)..];
    }

    private static IReadOnlyList<string> Lines(byte[] bytes, int lines)
    {
        using var reader = new StreamReader(new MemoryStream(bytes), Encoding.UTF8);
        var all = new Queue<string>(lines + 1);
        while (reader.ReadLine() is { } line)
        {
            // Cut as when it is followed.
            for (var at = 0; at == 0 || at < line.Length; at += LineText.MaxLine)
            {
                all.Enqueue(line[at..Math.Min(line.Length, at + LineText.MaxLine)]);
                if (all.Count > lines)
                    all.Dequeue();
            }
        }

        return [.. all];
    }

    private static FileStream? TryRead(string path)
    {
        try
        {
            // Unbuffered, so that the position is the end of the lines that were read.
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
