using System.Collections.Concurrent;
using System.Security.Cryptography;
using Hive.Common.Errors;
using Hive.Features.Agents.Contracts;
using Hive.Features.StateFiles.Contracts;

namespace Hive.Features.StateFiles;

/// <inheritdoc />
internal sealed class FileHandover(StateFileOpener files, StateFileWriter writer, IAgentNames names, IHandoverRoom room)
    : IFileHandover
{
    /// <summary>The largest file that can be handed over: 1 MiB, as much as is shown of a file.</summary>
    public const int MaxBytes = 1 << 20;

    /// <summary>
    /// The most files that a recipient keeps of one sender, so that no sender can fill a recipient's folder.
    /// </summary>
    public const int MaxFiles = 32;

    private const int MaxNameLength = 100;
    private const int HashLength = 12;

    private readonly ConcurrentDictionary<string, SemaphoreSlim> turns = new();

    public async Task<IDisposable> Begin(string from)
    {
        var turn = turns.GetOrAdd(from, static _ => new SemaphoreSlim(1, 1));
        await turn.WaitAsync();
        return new Turn(turn);
    }

    public HandedFile Read(string from, string path, string? to)
    {
        if (
            !StateFilePath.IsAllowed(path, files.DataDir, names, out var relative, out var rootLength)
            || !IsOf(from, relative[..rootLength])
        )
        {
            throw Problem.Forbidden(
                $"'file_path' must name a file under /agents/{from}/state/ or /shared/ (on the host "
                    + $"{files.DataDir}/…), "
                    + "without '.', '..' or empty parts; tokens, repositories and databases are refused"
            );
        }

        var bytes = Read(path);
        if (to is null)
            return new HandedFile(path, null, bytes);
        // The name includes a hash of the content, so that a file given twice is stored once.
        var name = $"{Convert.ToHexStringLower(SHA256.HashData(bytes))[..HashLength]}-{PlainName(relative)}";
        return new HandedFile($"/agents/{to}/state/received/{from}/{name}", to, bytes);
    }

    public void Put(HandedFile file)
    {
        if (file.To is not { } to)
            return;
        room.MustHaveRoom(to, file.Bytes.Length);
        if (writer.Put(to, file.Path, file.Bytes, MaxFiles))
            room.Count(to, file.Bytes.Length);
    }

    private static bool IsOf(string agent, ReadOnlySpan<char> root) =>
        root is "shared" || root.SequenceEqual($"agents/{agent}/state");

    private byte[] Read(string path)
    {
        using var file =
            files.Open(path, out _)
            ?? throw Problem.NotFound(
                "'file_path' is not a readable file; it must be a regular file with a single hard link"
            );
        var size = RandomAccess.GetLength(file);
        if (size > MaxBytes)
            throw Problem.TooLarge(
                $"'file_path' has more than {MaxBytes} bytes, which is the limit; "
                    + "send it in parts, or put it under /shared/ and send its path"
            );
        // What is written from here on is not read; the file may also become shorter.
        var bytes = new byte[size];
        var length = 0;
        while (length < size && RandomAccess.Read(file, bytes.AsSpan(length), length) is var count and > 0)
            length += count;
        return length == size ? bytes : bytes[..length];
    }

    // A space or a bracket would end the path in the message.
    private static string PlainName(ReadOnlySpan<char> path)
    {
        var name = path[(path.LastIndexOf('/') + 1)..];
        var cut = name[..Math.Min(name.Length, MaxNameLength)].ToString();
        return string.Concat(cut.Select(c => char.IsAsciiLetterOrDigit(c) || c is '.' or '-' ? c : '_'))
            .TrimEnd('.', '-');
    }

    private sealed class Turn(SemaphoreSlim turn) : IDisposable
    {
        public void Dispose() => turn.Release();
    }
}
