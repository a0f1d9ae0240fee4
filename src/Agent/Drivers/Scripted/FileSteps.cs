using System.Text;
using System.Text.Json.Nodes;

namespace Hive.Agent.Drivers.Scripted;

internal sealed record WriteFileStep(long Line, Template Path, Template Content, bool Append) : Step("write_file", Line)
{
    public override Task RunAsync(StepContext context, CancellationToken ct)
    {
        var (path, content) = (Path.Fill(context.Variables), Content.Fill(context.Variables));
        return context.ShowAsync(
            Line,
            "Write",
            new JsonObject { ["file_path"] = FileSteps.Shown(context, path), ["content"] = content },
            async () =>
            {
                await StateFile.WriteAsync(context.Agent.StateDir, path, content, Append, ct);
                return "ok";
            }
        );
    }
}

internal sealed record ReadFileStep(long Line, Template Path) : Step("read_file", Line)
{
    public override Task RunAsync(StepContext context, CancellationToken ct)
    {
        var path = Path.Fill(context.Variables);
        return context.ShowAsync(
            Line,
            "Read",
            new JsonObject { ["file_path"] = FileSteps.Shown(context, path) },
            () => FileSteps.ReadAsync(context, path, ct)
        );
    }
}

/// <summary>Replaces a text that occurs exactly once in a file.</summary>
internal sealed record EditFileStep(long Line, Template Path, Template Old, Template New) : Step("edit_file", Line)
{
    public override Task RunAsync(StepContext context, CancellationToken ct)
    {
        var (path, before, after) = (
            Path.Fill(context.Variables),
            Old.Fill(context.Variables),
            New.Fill(context.Variables)
        );
        return context.ShowAsync(
            Line,
            "Edit",
            new JsonObject
            {
                ["file_path"] = FileSteps.Shown(context, path),
                ["old_string"] = before,
                ["new_string"] = after,
            },
            async () =>
            {
                var text = await FileSteps.ReadAsync(context, path, ct);
                var at = before.Length == 0 ? -1 : text.IndexOf(before, StringComparison.Ordinal);
                if (at < 0)
                    throw new FormatException($"`old` does not occur in {path}");
                if (text.IndexOf(before, at + 1, StringComparison.Ordinal) >= 0)
                    throw new FormatException($"`old` occurs several times in {path}; give more of the text around it");
                text = string.Concat(text.AsSpan(0, at), after, text.AsSpan(at + before.Length));
                await StateFile.WriteAsync(context.Agent.StateDir, path, text, append: false, ct);
                return "ok";
            }
        );
    }
}

/// <summary>Lists the lines that contain a text, in a file or in all files of a folder.</summary>
internal sealed record SearchStep(long Line, Template Text, Template Path) : Step("search", Line)
{
    private const int MostFiles = 1000;
    private const int MostLines = 100;

    public override Task RunAsync(StepContext context, CancellationToken ct)
    {
        var (text, path) = (Text.Fill(context.Variables), Path.Fill(context.Variables));
        return context.ShowAsync(
            Line,
            "Grep",
            new JsonObject { ["pattern"] = text, ["path"] = FileSteps.Shown(context, path) },
            () => SearchAsync(context, text, path, ct)
        );
    }

    private static async Task<string> SearchAsync(StepContext context, string text, string path, CancellationToken ct)
    {
        var found = new StringBuilder();
        var lines = 0;
        foreach (var file in FilesAt(context, path))
        {
            var content = await FileSteps.ReadAsync(context, file, ct);
            foreach (var (number, line) in content.Split('\n').Index())
            {
                if (!line.Contains(text, StringComparison.Ordinal))
                    continue;
                if (lines++ == MostLines)
                    return found.Append('…').ToString();
                found.Append(file).Append(':').Append(number + 1).Append(':').Append(line).Append('\n');
            }
        }

        return found.Length > 0 ? found.ToString() : "nothing found";
    }

    private static string[] FilesAt(StepContext context, string path)
    {
        var folder = StateFile.PathOf(context.Agent.StateDir, path);
        if (!Directory.Exists(folder))
            return [path];
        var options = new EnumerationOptions
        {
            RecurseSubdirectories = true,
            AttributesToSkip = FileAttributes.ReparsePoint,
        };
        return
        [
            .. Directory
                .EnumerateFiles(folder, "*", options)
                .Take(MostFiles)
                .Select(file => System.IO.Path.GetRelativePath(context.Agent.StateDir, file))
                .Order(StringComparer.Ordinal),
        ];
    }
}

/// <summary>Helpers of the steps with files.</summary>
internal static class FileSteps
{
    private const int MostBytes = 1 << 20;

    /// <summary>The path as the agent's page shows it.</summary>
    public static string Shown(StepContext context, string path) =>
        $"{context.Agent.StateDir.TrimEnd('/')}/{path.TrimStart('/')}";

    /// <exception cref="FormatException">The path is not one of the state folder, or the file is too large.</exception>
    public static async Task<string> ReadAsync(StepContext context, string path, CancellationToken ct)
    {
        var file = new FileInfo(StateFile.PathOf(context.Agent.StateDir, path));
        return file is { Exists: true, Length: > MostBytes }
            ? throw new FormatException($"{path} has {file.Length} bytes; the limit is {MostBytes}")
            : await File.ReadAllTextAsync(file.FullName, ct);
    }
}
