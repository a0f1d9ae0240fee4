using Hive.Common.Linux;
using Hive.Runtimes;
using Hive.Runtimes.Local;

namespace Hive.Tests.Fixture;

/// <summary>Skips tests on machines that lack a tool.</summary>
internal static class Requires
{
    /// <summary>Ends a test as skipped, or as failed where nothing may be skipped (<c>HIVE_REQUIRE_ALL</c>), when
    /// something is missing.</summary>
    public static void That(bool there, string otherwise)
    {
        if (there)
            return;
        Assert.True(string.IsNullOrEmpty(Environment.GetEnvironmentVariable("HIVE_REQUIRE_ALL")), otherwise);
        Assert.Skip(otherwise);
    }

    /// <summary>Needs a machine on which a daemon's agent can be a user of its own.</summary>
    public static void OwnUsers()
    {
        That(Environment.IsPrivilegedProcess, "needs root, as which an agent gets a user of its own");
        var place = $"/run/hive-volumes/hive-test-{Guid.NewGuid():N}";
        string? fault = null;
        try
        {
            new MappedFolders(AgentUser.Of("test", "test"), [Path.GetTempPath(), HarnessBinary.Folder]).Mount(place);
            MappedFolders.Unmount(place);
        }
        catch (IOException e)
        {
            fault = e.Message;
        }

        That(fault is null, fault ?? "");
    }

    /// <summary>Needs a machine on which system calls can be filtered.</summary>
    public static void Filter() =>
        That(SystemCallProfile.Read(out var fault) is not null, fault?.ToString() ?? "needs podman's profile");
}
