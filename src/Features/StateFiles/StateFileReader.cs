using Hive.Common.Errors;
using Hive.Features.Agents.Contracts;
using Hive.Features.StateFiles.Contracts;

namespace Hive.Features.StateFiles;

/// <inheritdoc />
internal sealed class StateFileReader(StateFileOpener files, IAgentNames names) : IStateFileReader
{
    public StateFile Read(string agent, string path, int maxBytes)
    {
        var found = Locate(agent, path);
        using var file =
            files.Open(found.Path, out var size)
            ?? throw Problem.NotFound(
                $"'{Shown(path)}' is not a readable file; it must be a regular file with a single hard link"
            );
        // Checked first, so that no memory is taken for a file that claims gigabytes.
        if (size > maxBytes)
            throw TooLarge(path, maxBytes);
        // One byte more than the limit, because the file may grow while it is read.
        var bytes = new byte[(int)Math.Min(size + 1, maxBytes + 1L)];
        var length = 0;
        while (true)
        {
            if (length == bytes.Length)
            {
                if (length > maxBytes)
                    throw TooLarge(path, maxBytes);
                Array.Resize(ref bytes, (int)Math.Min(length * 2L, maxBytes + 1L));
            }

            var count = RandomAccess.Read(file, bytes.AsSpan(length), length);
            if (count == 0)
                return new StateFile(found.Path, found.Below, bytes[..length]);
            length += count;
        }
    }

    public StateFolder Locate(string agent, string path)
    {
        if (
            !StateFilePath.IsAllowed(Whole(agent, path), files.DataDir, names, out var relative, out var rootLength)
            || !IsOf(agent, relative[..rootLength])
        )
            throw Problem.Forbidden(
                $"'{Shown(path)}' is refused; name something under /agents/{agent}/state/ or /shared/, without '.', "
                    + "'..' or empty parts; tokens, repositories' own files and databases are refused"
            );
        return new StateFolder(
            $"/{relative}",
            $"{files.DataDir}/{relative[..rootLength]}",
            relative[(rootLength + 1)..].ToString()
        );
    }

    // A relative path is below the agent's state folder, in which its programs run.
    private static string Whole(string agent, string path) =>
        path is "" or ['/', ..]
            ? path
            : $"/agents/{agent}/state/" + (path.StartsWith("./", StringComparison.Ordinal) ? path[2..] : path);

    private static bool IsOf(string agent, ReadOnlySpan<char> root) =>
        root is "shared" || root.SequenceEqual($"agents/{agent}/state");

    private static Problem TooLarge(string path, int maxBytes) =>
        Problem.TooLarge($"'{Shown(path)}' has more than {maxBytes} bytes, which is the limit; hand in less");

    private static string Shown(string path) => path.Length <= 200 ? path : string.Concat(path.AsSpan(0, 200), "…");
}
