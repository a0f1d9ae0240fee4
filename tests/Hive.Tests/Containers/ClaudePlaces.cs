using System.Diagnostics;

namespace Hive.Tests.Containers;

/// <summary>The places in a user's home where Claude Code is installed, laid out below a folder.</summary>
internal sealed class ClaudePlaces : IDisposable
{
    private const string Package = "lib/node_modules/@anthropic-ai/claude-code";

    public static readonly string[] All = ["native", "nvm", "prefix"];

    public string Home { get; } = Directory.CreateTempSubdirectory("hive-home-").FullName;

    /// <summary>The folders that the user's shell searches before the system's.</summary>
    public string Searched { get; private set; } = "";

    public string Path => $"{Searched}:/usr/local/bin:/usr/bin:/bin";

    /// <summary>Installs a program as an installer of that kind does.</summary>
    /// <returns>The link that the shell finds.</returns>
    public string Install(string place, string program)
    {
        if (place == "native")
        {
            Place(program, ".local/share/claude/versions/2.1.330");
            return Link("claude", ".local/bin", $"{Home}/.local/share/claude/versions/2.1.330");
        }

        // npm names this file so on every system.
        var root = Root(place);
        Place(program, $"{root}/{Package}/bin/claude.exe");
        return Link("claude", $"{root}/bin", $"../{Package}/bin/claude.exe");
    }

    /// <summary>Installs a package whose program is a script that needs a second file and Node.js.</summary>
    public string InstallScript(string place)
    {
        var root = Root(place);
        var folder = Directory.CreateDirectory(System.IO.Path.Combine(Home, root, Package)).FullName;
        File.WriteAllText($"{folder}/package.json", """{"type": "module"}""");
        File.WriteAllText($"{folder}/version.js", "export const version = '2.1.9';");
        File.WriteAllText(
            $"{folder}/cli.js",
            """
            #!/usr/bin/env -S node --no-warnings
            import { version } from "./version.js";
            console.log(`${version} (Claude Code)`, process.argv.slice(2).join("|"), process.execArgv.join());
            """
        );
        MakeExecutable($"{folder}/cli.js");
        return Link("claude", $"{root}/bin", $"../{Package}/cli.js");
    }

    /// <summary>Puts a Node.js beside the programs of a place.</summary>
    public void PlaceNode(string place, string node) => Place(node, $"{Root(place)}/bin/node");

    public void Dispose() => Directory.Delete(Home, recursive: true);

    private static string Root(string place) => place == "nvm" ? ".nvm/versions/node/v22.1.0" : ".npm-global";

    private string Link(string name, string folder, string target)
    {
        Searched = Directory.CreateDirectory(System.IO.Path.Combine(Home, folder)).FullName;
        return File.CreateSymbolicLink(System.IO.Path.Combine(Searched, name), target).FullName;
    }

    // A second name of the same file, since it is large; a copy where the file system has no such names.
    private void Place(string program, string path)
    {
        var target = System.IO.Path.Combine(Home, path);
        Directory.CreateDirectory(System.IO.Path.GetDirectoryName(target)!);
        using var link = Process.Start(new ProcessStartInfo("ln", [program, target]) { RedirectStandardError = true })!;
        link.WaitForExit();
        if (link.ExitCode != 0)
            File.Copy(program, target);
    }

    internal static void MakeExecutable(string path) =>
        File.SetUnixFileMode(path, File.GetUnixFileMode(path) | UnixFileMode.UserExecute | UnixFileMode.OtherExecute);
}
