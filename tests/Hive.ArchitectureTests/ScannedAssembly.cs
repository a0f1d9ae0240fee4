using System.Collections.Immutable;
using System.Reflection;
using System.Reflection.Emit;
using System.Reflection.Metadata;
using System.Reflection.Metadata.Ecma335;
using System.Reflection.PortableExecutable;

namespace Hive.ArchitectureTests;

/// <summary>Reads the types of one assembly, with the types and methods they use. Constants of other assemblies are
/// compiled in and cannot be seen.</summary>
internal sealed class ScannedAssembly
{
    private static readonly Dictionary<ushort, OpCode> Codes = typeof(OpCodes)
        .GetFields(BindingFlags.Public | BindingFlags.Static)
        .Select(f => (OpCode)f.GetValue(null)!)
        .ToDictionary(c => (ushort)c.Value);

    private readonly MetadataReader metadata;

    private ScannedAssembly(string path)
    {
        // Not disposed: the metadata is read from its memory as long as the tests run.
        var file = new PEReader(ImmutableArray.Create(File.ReadAllBytes(path)));
        metadata = file.GetMetadataReader();
        Name = Path.GetFileNameWithoutExtension(path);
        References =
        [
            .. metadata.AssemblyReferences.Select(r => metadata.GetString(metadata.GetAssemblyReference(r).Name)),
        ];
        Types =
        [
            .. metadata
                .TypeDefinitions.Select(t => Scan(file, t))
                .Where(t => t.Name.Namespace.StartsWith("Hive.", StringComparison.Ordinal)),
        ];
    }

    public string Name { get; }

    public IReadOnlyList<string> References { get; }

    /// <summary>All types of Hive's own namespaces, including nested and compiler-generated ones.</summary>
    public IReadOnlyList<ScannedType> Types { get; }

    public static ScannedAssembly Load(string name) => new(Path.Combine(AppContext.BaseDirectory, name + ".dll"));

    private ScannedType Scan(PEReader file, TypeDefinitionHandle handle)
    {
        var definition = metadata.GetTypeDefinition(handle);
        var found = new Collector(metadata);
        if (!definition.BaseType.IsNil)
            found.Entity(definition.BaseType);
        foreach (var face in definition.GetInterfaceImplementations())
            found.Entity(metadata.GetInterfaceImplementation(face).Interface);
        found.Attributes(definition.GetCustomAttributes());
        found.Constraints(definition.GetGenericParameters());
        List<string> constants = [];
        foreach (var fieldHandle in definition.GetFields())
        {
            var field = metadata.GetFieldDefinition(fieldHandle);
            field.DecodeSignature(found, null);
            found.Attributes(field.GetCustomAttributes());
            if (
                !field.GetDefaultValue().IsNil
                && metadata.GetConstant(field.GetDefaultValue()) is { TypeCode: ConstantTypeCode.String } constant
            )
                constants.Add(
                    metadata.GetBlobReader(constant.Value).ReadUTF16(metadata.GetBlobReader(constant.Value).Length)
                );
        }

        foreach (var propertyHandle in definition.GetProperties())
            found.Attributes(metadata.GetPropertyDefinition(propertyHandle).GetCustomAttributes());
        List<string> methods = [];
        foreach (var methodHandle in definition.GetMethods())
        {
            var method = metadata.GetMethodDefinition(methodHandle);
            methods.Add(metadata.GetString(method.Name));
            method.DecodeSignature(found, null);
            found.Attributes(method.GetCustomAttributes());
            found.Constraints(method.GetGenericParameters());
            if (method.Attributes.HasFlag(MethodAttributes.PinvokeImpl))
                found.Calls.Add("native " + metadata.GetString(method.GetImport().Name));
            if (method.RelativeVirtualAddress != 0)
                Body(file.GetMethodBody(method.RelativeVirtualAddress), found);
        }

        return new ScannedType(
            found.NameOf(handle),
            definition.Attributes,
            definition.BaseType.IsNil ? null : found.NameOf(definition.BaseType),
            [
                .. definition
                    .GetInterfaceImplementations()
                    .Select(i => found.NameOf(metadata.GetInterfaceImplementation(i).Interface)),
            ],
            [.. definition.GetProperties().Select(p => Property(metadata.GetPropertyDefinition(p)))],
            methods,
            found.Types,
            found.Calls,
            [.. found.Strings, .. constants]
        );
    }

    private (string, TypeName?) Property(PropertyDefinition property)
    {
        var type = new Collector(metadata);
        return (metadata.GetString(property.Name), property.DecodeSignature(type, null).ReturnType);
    }

    private void Body(MethodBodyBlock body, Collector found)
    {
        if (!body.LocalSignature.IsNil)
            metadata.GetStandaloneSignature(body.LocalSignature).DecodeLocalSignature(found, null);
        foreach (var region in body.ExceptionRegions.Where(r => r.Kind == ExceptionRegionKind.Catch))
            found.Entity(region.CatchType);
        var il = body.GetILReader();
        while (il.RemainingBytes > 0)
        {
            ushort value = il.ReadByte();
            if (value == 0xFE)
                value = (ushort)(0xFE00 | il.ReadByte());
            switch (Codes[value].OperandType)
            {
                case OperandType.InlineString:
                    found.Strings.Add(metadata.GetUserString((UserStringHandle)MetadataTokens.Handle(il.ReadInt32())));
                    break;
                case OperandType.InlineMethod
                or OperandType.InlineField
                or OperandType.InlineType
                or OperandType.InlineTok
                or OperandType.InlineSig:
                    found.Entity((EntityHandle)MetadataTokens.Handle(il.ReadInt32()));
                    break;
                case OperandType.InlineSwitch:
                    var targets = il.ReadInt32();
                    il.Offset += 4 * targets;
                    break;
                case OperandType.InlineNone:
                    break;
                case OperandType.ShortInlineBrTarget or OperandType.ShortInlineI or OperandType.ShortInlineVar:
                    il.Offset += 1;
                    break;
                case OperandType.InlineVar:
                    il.Offset += 2;
                    break;
                case OperandType.InlineI8 or OperandType.InlineR:
                    il.Offset += 8;
                    break;
                default:
                    il.Offset += 4;
                    break;
            }
        }
    }

    /// <summary>Collects the types, calls and strings in signatures and bodies.</summary>
    private sealed class Collector(MetadataReader metadata) : ISignatureTypeProvider<TypeName?, object?>
    {
        public HashSet<TypeName> Types { get; } = [];

        public HashSet<string> Calls { get; } = [];

        public List<string> Strings { get; } = [];

        public TypeName NameOf(EntityHandle handle) =>
            handle.Kind switch
            {
                HandleKind.TypeDefinition => Defined((TypeDefinitionHandle)handle),
                HandleKind.TypeReference => Referred((TypeReferenceHandle)handle),
                _ => metadata.GetTypeSpecification((TypeSpecificationHandle)handle).DecodeSignature(this, null)
                    ?? new TypeName("", ""),
            };

        public void Entity(EntityHandle handle)
        {
            switch (handle.Kind)
            {
                case HandleKind.TypeDefinition or HandleKind.TypeReference or HandleKind.TypeSpecification:
                    Types.Add(NameOf(handle));
                    break;
                case HandleKind.MethodDefinition:
                    Types.Add(Defined(metadata.GetMethodDefinition((MethodDefinitionHandle)handle).GetDeclaringType()));
                    break;
                case HandleKind.FieldDefinition:
                    Types.Add(Defined(metadata.GetFieldDefinition((FieldDefinitionHandle)handle).GetDeclaringType()));
                    break;
                case HandleKind.MemberReference:
                    Member(metadata.GetMemberReference((MemberReferenceHandle)handle));
                    break;
                case HandleKind.MethodSpecification:
                    var specification = metadata.GetMethodSpecification((MethodSpecificationHandle)handle);
                    Entity(specification.Method);
                    specification.DecodeSignature(this, null);
                    break;
            }
        }

        public void Attributes(CustomAttributeHandleCollection attributes)
        {
            foreach (var attribute in attributes)
                Entity(metadata.GetCustomAttribute(attribute).Constructor);
        }

        public void Constraints(GenericParameterHandleCollection parameters)
        {
            foreach (var constraint in parameters.SelectMany(p => metadata.GetGenericParameter(p).GetConstraints()))
                Entity(metadata.GetGenericParameterConstraint(constraint).Type);
        }

        public TypeName? GetTypeFromDefinition(MetadataReader reader, TypeDefinitionHandle handle, byte rawTypeKind) =>
            Noted(Defined(handle));

        public TypeName? GetTypeFromReference(MetadataReader reader, TypeReferenceHandle handle, byte rawTypeKind) =>
            Noted(Referred(handle));

        public TypeName? GetTypeFromSpecification(
            MetadataReader reader,
            object? genericContext,
            TypeSpecificationHandle handle,
            byte rawTypeKind
        ) => reader.GetTypeSpecification(handle).DecodeSignature(this, genericContext);

        public TypeName? GetGenericInstantiation(TypeName? genericType, ImmutableArray<TypeName?> typeArguments) =>
            genericType;

        public TypeName? GetArrayType(TypeName? elementType, ArrayShape shape) => elementType;

        public TypeName? GetByReferenceType(TypeName? elementType) => elementType;

        public TypeName? GetPointerType(TypeName? elementType) => elementType;

        public TypeName? GetPinnedType(TypeName? elementType) => elementType;

        public TypeName? GetSZArrayType(TypeName? elementType) => elementType;

        public TypeName? GetModifiedType(TypeName? modifier, TypeName? unmodifiedType, bool isRequired) =>
            unmodifiedType;

        public TypeName? GetFunctionPointerType(MethodSignature<TypeName?> signature) => null;

        public TypeName? GetGenericMethodParameter(object? genericContext, int index) => null;

        public TypeName? GetGenericTypeParameter(object? genericContext, int index) => null;

        public TypeName? GetPrimitiveType(PrimitiveTypeCode typeCode) => new TypeName("System", typeCode.ToString());

        private TypeName Noted(TypeName type)
        {
            Types.Add(type);
            return type;
        }

        private void Member(MemberReference member)
        {
            Entity(member.Parent);
            if (member.GetKind() == MemberReferenceKind.Method)
            {
                member.DecodeMethodSignature(this, null);
                if (member.Parent.Kind is HandleKind.TypeReference or HandleKind.TypeSpecification)
                    Calls.Add($"{NameOf(member.Parent)}.{metadata.GetString(member.Name)}");
            }
            else
            {
                member.DecodeFieldSignature(this, null);
            }
        }

        private TypeName Defined(TypeDefinitionHandle handle)
        {
            var type = metadata.GetTypeDefinition(handle);
            var name = metadata.GetString(type.Name);
            return type.IsNested
                ? Defined(type.GetDeclaringType()) is var outer
                    ? outer with
                    {
                        Name = $"{outer.Name}+{name}",
                    }
                    : default
                : new TypeName(metadata.GetString(type.Namespace), name);
        }

        private TypeName Referred(TypeReferenceHandle handle)
        {
            var type = metadata.GetTypeReference(handle);
            var name = metadata.GetString(type.Name);
            return type.ResolutionScope.Kind == HandleKind.TypeReference
                ? Referred((TypeReferenceHandle)type.ResolutionScope) is var outer
                    ? outer with
                    {
                        Name = $"{outer.Name}+{name}",
                    }
                    : default
                : new TypeName(metadata.GetString(type.Namespace), name);
        }
    }
}

/// <summary>A type's namespace, and its name after the names of the types it is nested in.</summary>
internal readonly record struct TypeName(string Namespace, string Name)
{
    public override string ToString() => $"{Namespace}.{Name}";
}

/// <param name="Name">Its name.</param>
/// <param name="Attributes">As compiled.</param>
/// <param name="Parent">Its base type.</param>
/// <param name="Faces">The interfaces it names, and those the compiler added.</param>
/// <param name="Properties">With their types.</param>
/// <param name="Methods">Their names.</param>
/// <param name="Uses">Every type in its signatures, attributes and bodies.</param>
/// <param name="Calls">Methods of other assemblies, as <c>Namespace.Type.Method</c>; native ones as <c>native
/// name</c>.</param>
/// <param name="Texts">Every string in it.</param>
internal sealed record ScannedType(
    TypeName Name,
    TypeAttributes Attributes,
    TypeName? Parent,
    IReadOnlyList<TypeName> Faces,
    IReadOnlyList<(string Name, TypeName? Type)> Properties,
    IReadOnlyList<string> Methods,
    IReadOnlySet<TypeName> Uses,
    IReadOnlySet<string> Calls,
    IReadOnlyList<string> Texts
)
{
    public bool IsCompilers => Name.Name.Contains('<', StringComparison.Ordinal);

    public bool IsClass =>
        !Attributes.HasFlag(TypeAttributes.Interface)
        && Parent is not null
        && Parent.Value.ToString() is not ("System.ValueType" or "System.Enum" or "System.MulticastDelegate");

    public bool IsSealed => Attributes.HasFlag(TypeAttributes.Sealed);

    public bool IsAbstract => Attributes.HasFlag(TypeAttributes.Abstract);

    public bool IsRecord => Methods.Contains("<Clone>$");

    public bool IsPublic =>
        (Attributes & TypeAttributes.VisibilityMask) is TypeAttributes.Public or TypeAttributes.NestedPublic;

    /// <summary>The types it is nested in; null at the top.</summary>
    public string? Outer => Name.Name.LastIndexOf('+') is > 0 and var at ? Name.Name[..at] : null;

    public string Inner => Name.Name[(Name.Name.LastIndexOf('+') + 1)..];

    public override string ToString() => Name.ToString();
}
