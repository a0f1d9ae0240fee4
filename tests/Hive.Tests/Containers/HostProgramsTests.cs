using Hive.Protocol;
using Hive.Runtimes;
using Hive.Runtimes.Programs;

namespace Hive.Tests.Containers;

/// <summary>Tests which files of a program of this machine are mounted into containers.</summary>
public sealed class HostProgramsTests : IDisposable
{
    private const string Package = "lib/node_modules/@anthropic-ai/claude-code";

    private readonly ClaudePlaces home = new();

    public void Dispose() => home.Dispose();

    [Theory]
    [InlineData("native", ".local/share/claude/versions/2.1.330")]
    [InlineData("nvm", $".nvm/versions/node/v22.1.0/{Package}/bin/claude.exe")]
    [InlineData("prefix", $".npm-global/{Package}/bin/claude.exe")]
    public void A_program_is_mounted_alone(string place, string file)
    {
        var link = home.Install(place, "/bin/cat");

        var found = Find()!;

        Assert.Equal((link, null), (found.Path, found.Fault));
        Assert.Equal([new Mount($"{home.Home}/{file}", "/opt/programs/claude", Writable: false)], found.Mounts);
        Assert.Equal("#!/bin/sh\nexec '/opt/programs/claude' \"$@\"\n", found.Launcher);
        Assert.Equal([false, true, true, false], Enum.GetValues<ContainerPrograms>().Select(found.IsMounted));
    }

    [Theory]
    [InlineData("nvm", ".nvm/versions/node/v22.1.0")]
    [InlineData("prefix", ".npm-global")]
    public void A_script_is_mounted_with_its_package_and_an_interpreter_outside_of_usr(string place, string root)
    {
        home.InstallScript(place);
        var package = new Mount($"{home.Home}/{root}/{Package}", "/opt/programs/claude-code", Writable: false);

        var systems = Find()!;
        home.PlaceNode(place, "/bin/cat");
        var own = Find()!;

        Assert.Equal([package], systems.Mounts);
        Assert.Equal("exec 'node' '--no-warnings' '/opt/programs/claude-code/cli.js' \"$@\"", Line(systems));
        Assert.Equal(
            [package, new Mount($"{home.Home}/{root}/bin/node", "/opt/programs/node", Writable: false)],
            own.Mounts
        );
        Assert.Equal("exec '/opt/programs/node' '--no-warnings' '/opt/programs/claude-code/cli.js' \"$@\"", Line(own));
    }

    [Fact]
    public void A_program_of_usr_is_mounted_only_where_another_usr_is()
    {
        var found = new HostPrograms("/usr/bin", Hive()).Find("cat")!;

        Assert.True(found.IsShared);
        Assert.Equal([false, false, true, false], Enum.GetValues<ContainerPrograms>().Select(found.IsMounted));
    }

    [Fact]
    public void A_script_whose_files_are_unknown_is_not_mounted()
    {
        home.Install("native", "/bin/cat");
        var link = Path.Combine(home.Searched, "claude");
        File.Delete(link);
        File.WriteAllText(link, "#!/bin/sh\nexec /somewhere/claude\n");
        ClaudePlaces.MakeExecutable(link);

        var found = Find()!;

        Assert.Contains("outside of an npm package", found.Fault!.Reason, StringComparison.Ordinal);
        Assert.Equal([null, found.Fault, found.Fault, null], Enum.GetValues<ContainerPrograms>().Select(found.FaultIn));
        Assert.DoesNotContain(true, Enum.GetValues<ContainerPrograms>().Select(found.IsMounted));
    }

    [Fact]
    public void A_script_of_pnpm_is_not_mounted_because_other_packages_of_it_are_elsewhere()
    {
        var store = $".local/share/pnpm/global/5/.pnpm/claude-code@2.1.330/{Package["lib/".Length..]}";
        home.InstallScript("nvm");
        var link = Path.Combine(home.Searched, "claude");
        var script = Path.Combine(Directory.CreateDirectory(Path.Combine(home.Home, store)).FullName, "cli.js");
        File.Copy(link, script);
        ClaudePlaces.MakeExecutable(script);
        File.Delete(link);
        File.CreateSymbolicLink(link, script);

        var found = Find()!;

        Assert.Contains($"{script} was installed by pnpm", found.Fault!.Reason, StringComparison.Ordinal);
        Assert.Contains("npm install --global", found.Fault.Fix, StringComparison.Ordinal);
        Assert.DoesNotContain(true, Enum.GetValues<ContainerPrograms>().Select(found.IsMounted));
    }

    [Fact]
    public void Nothing_is_mounted_from_where_agents_can_write()
    {
        home.Install("native", "/bin/cat");
        var data = Directory.CreateDirectory(Path.Combine(home.Home, "data/agents/eve/home")).FullName;
        File.Copy("/bin/cat", Path.Combine(data, "claude"));
        File.Delete(Path.Combine(home.Searched, "claude"));
        File.CreateSymbolicLink(Path.Combine(home.Searched, "claude"), Path.Combine(data, "claude"));

        var found = Find()!;

        Assert.Contains("where agents can write", found.Fault!.Reason, StringComparison.Ordinal);
        Assert.DoesNotContain(true, Enum.GetValues<ContainerPrograms>().Select(found.IsMounted));
    }

    [Theory]
    [InlineData(null)]
    [InlineData("")]
    [InlineData(".:bin")]
    public void Folders_that_depend_on_where_Hive_was_started_are_not_searched(string? path) =>
        Assert.Null(new HostPrograms(path, Hive()).Find("cat"));

    private static string Line(HostProgram program) => program.Launcher.Split('\n')[1];

    private HostProgram? Find() => new HostPrograms(home.Path, Hive()).Find("claude");

    private HivePaths Hive() => HivePaths.Find(Path.Combine(home.Home, "data"), Path.Combine(home.Home, "run"));
}
