using Hive.Common.Linux;
using Hive.Protocol;
using Hive.Runtimes;
using Hive.Runtimes.ContainerApi;
using Hive.Runtimes.Local;
using Hive.Tests.Fixture;

namespace Hive.Tests.Containers;

/// <summary>Tests the folders that Hive mounts for the agents of a daemon.</summary>
public sealed class DockerVolumesTests
{
    private const string Place = "/run/hive-volumes";

    [Fact]
    public async Task Mounts_of_a_trial_stay_only_as_long_as_its_host()
    {
        Requires.OwnUsers();
        var folder = Directory.CreateTempSubdirectory("hive-volumes-").FullName;
        var paths = HivePaths.Find(Path.Combine(folder, "data"), Path.Combine(folder, "run"));
        var prefix = $"{Place}/{Instance.Of(paths)}-docker-trial_";
        var (pid, start) = (Environment.ProcessId, ProcessTree.StartOf(Environment.ProcessId));
        // Another process had this number before.
        var (alive, gone) = ($"{prefix}{pid}_{start}_1", $"{prefix}{pid}_1_2");
        try
        {
            foreach (var place in new[] { alive, gone })
                new MappedFolders(AgentUser.Of("test", "test"), [folder]).Mount(place);
            Assert.Equal(
                UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute,
                File.GetUnixFileMode(Place)
            );
            new AgentVolumes(paths, "docker").UnmountTrials();
            Assert.True(Directory.Exists(alive));
            Assert.False(Directory.Exists(gone));
            Assert.DoesNotContain(gone, await File.ReadAllTextAsync("/proc/mounts"), StringComparison.Ordinal);
        }
        finally
        {
            MappedFolders.Unmount(alive);
            MappedFolders.Unmount(gone);
            Directory.Delete(folder, recursive: true);
        }
    }

    [Fact]
    public async Task A_disk_below_a_mapped_folder_stays_mounted_at_the_end_of_the_mapping()
    {
        Requires.OwnUsers();
        const ulong Bind = 1 << 12;
        const ulong Shared = 1 << 20;
        var folder = Directory.CreateTempSubdirectory("hive-volumes-").FullName;
        var place = $"{Place}/hive-test-{Guid.NewGuid():N}";
        // Shared, as systemd makes all mounts: what happens to one copy of a tree then happens to the others.
        Assert.Equal(0, LibC.Mount(folder, folder, null, Bind, null));
        try
        {
            Assert.Equal(0, LibC.Mount("none", folder, null, Shared, null));
            var disk = Directory.CreateDirectory($"{folder}/disk").FullName;
            var other = Directory.CreateDirectory($"{folder}/other").FullName;
            Assert.Equal(0, LibC.Mount(other, disk, null, Bind, null));
            await File.WriteAllTextAsync($"{disk}/kept", "");
            var shown = Assert.Single(new MappedFolders(AgentUser.Of("test", "test"), [folder]).Mount(place));
            Assert.True(File.Exists($"{shown}/disk/kept"));
            MappedFolders.Unmount(place);
            Assert.True(File.Exists($"{disk}/kept"));
        }
        finally
        {
            MappedFolders.Unmount(place);
            const int Detach = 2;
            _ = LibC.Unmount(folder, Detach);
            Directory.Delete(folder, recursive: true);
        }
    }
}
