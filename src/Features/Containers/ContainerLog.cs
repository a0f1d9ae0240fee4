using System.Runtime.CompilerServices;
using System.Text;
using Hive.Protocol;

namespace Hive.Features.Containers;

/// <summary>What agents print, one file each under <c>&lt;DataDir&gt;/logs</c>.</summary>
internal sealed class ContainerLog(HivePaths paths, TimeProvider clock)
{
    private const long MaxBytesAtStart = 4 << 20;
    private const long MaxTail = 1 << 20;
    private static readonly TimeSpan Settle = TimeSpan.FromMilliseconds(100);

    private string Folder => Path.Combine(paths.DataDir, "logs");

    /// <summary>The file an agent's output goes to. A large one is set aside first, replacing the one before.</summary>
    public string Open(string agent)
    {
        Directory.CreateDirectory(Folder);
        var path = PathOf(agent);
        if (File.Exists(path) && new FileInfo(path).Length > MaxBytesAtStart)
            File.Move(path, path + ".1", overwrite: true);
        return path;
    }

    /// <summary>The newest lines, oldest first.</summary>
    public IReadOnlyList<string> Tail(string agent, int lines)
    {
        using var file = TryRead(agent);
        if (file is null)
            return [];
        var cut = file.Length > MaxTail;
        if (cut)
            file.Seek(-MaxTail, SeekOrigin.End);
        using var reader = new StreamReader(file, Encoding.UTF8);
        if (cut)
            reader.ReadLine();
        var all = new Queue<string>(lines + 1);
        while (reader.ReadLine() is { } line)
        {
            all.Enqueue(line);
            if (all.Count > lines)
                all.Dequeue();
        }

        return [.. all];
    }

    /// <summary>The newest lines, then what is added, as it is added.</summary>
    public async IAsyncEnumerable<IReadOnlyList<string>> Follow(string agent, int lines, [EnumeratorCancellation] CancellationToken ct)
    {
        Directory.CreateDirectory(Folder);
        using var changed = new SemaphoreSlim(0);
        using var watcher = new FileSystemWatcher(Folder, $"{agent}.log") { NotifyFilter = NotifyFilters.Size | NotifyFilters.FileName | NotifyFilters.LastWrite };
        watcher.Changed += (_, _) => changed.Release();
        watcher.Created += (_, _) => changed.Release();
        watcher.EnableRaisingEvents = true;
        var position = TryLength(agent);
        yield return Tail(agent, lines);
        var rest = "";
        while (true)
        {
            await changed.WaitAsync(ct);
            // Lines come in bursts: one look for each is enough.
            await Task.Delay(Settle, clock, ct);
            while (changed.Wait(0, CancellationToken.None)) { }

            var (text, end) = ReadFrom(agent, position);
            position = end;
            var parts = (rest + text).Split('\n');
            rest = parts[^1];
            if (parts.Length > 1)
                yield return parts[..^1];
        }
    }

    /// <summary>Removes what an agent printed.</summary>
    public void Remove(string agent)
    {
        // No agent may ever have run here.
        if (!Directory.Exists(Folder))
            return;
        File.Delete(PathOf(agent));
        File.Delete(PathOf(agent) + ".1");
    }

    private string PathOf(string agent) => Path.Combine(Folder, $"{agent}.log");

    private FileStream? TryRead(string agent)
    {
        try
        {
            return new FileStream(PathOf(agent), FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            return null;
        }
    }

    private long TryLength(string agent)
    {
        using var file = TryRead(agent);
        return file?.Length ?? 0;
    }

    private (string Text, long End) ReadFrom(string agent, long position)
    {
        using var file = TryRead(agent);
        if (file is null)
            return ("", 0);
        // Shorter than before: a new file stands in its place.
        if (file.Length < position)
            position = 0;
        if (file.Length - position > MaxTail)
            position = file.Length - MaxTail;
        file.Seek(position, SeekOrigin.Begin);
        var bytes = new byte[file.Length - position];
        var read = file.ReadAtLeast(bytes, bytes.Length, throwOnEndOfStream: false);
        return (Encoding.UTF8.GetString(bytes, 0, read), position + read);
    }
}
